"""A lock on a project's name, so that only one command on an engine starts it, from any workspace.

The lock is a Docker volume: names are unique, and creating an existing one returns the existing one. Its label says
which command holds the claim.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from drcli.errors import DrError
from drcli.launch.docker import docker_engine

_MARK = "drcli.claim"
_STALE_S = 600.0  # a killed command leaves its claim behind


@contextmanager
def claimed(project: str) -> Iterator[None]:
    """Hold the project's name while it is started. Raises DrError if another command holds it."""
    mark, name = secrets.token_hex(8), f"{project}-claim"
    with docker_engine.speaking() as client:
        claim = client.volumes.create(name, labels={_MARK: mark})
        if _is_stale(claim):
            claim.remove(force=True)
            claim = client.volumes.create(name, labels={_MARK: mark})
    if (claim.attrs.get("Labels") or {}).get(_MARK) != mark:
        raise DrError(
            f"The stack {project} is already being started by another command.",
            "Use another DR_RUN_ID to start a second one.",
        )
    try:
        yield
    finally:
        with docker_engine.speaking():
            claim.remove(force=True)


def check_owner(
    project: str, found: list[Any], workspace: Path, hint: str = "Stop it there, or use another DR_RUN_ID."
) -> None:
    """Raises DrError if containers or services of the project belong to another workspace or another program."""
    for one in found:
        owner = (getattr(one, "labels", None) or one.attrs["Spec"]["Labels"]).get(
            docker_engine.WORKSPACE, "another program"
        )
        if owner != str(workspace):
            raise DrError(f"The stack {project} on this machine belongs to {owner}.", hint)


def _is_stale(claim: Any) -> bool:
    made = datetime.fromisoformat(claim.attrs["CreatedAt"]).timestamp()
    return time.time() - made > _STALE_S
