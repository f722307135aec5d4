"""Of two commands that start the same project at once on one engine, from whatever workspace, one goes first.

Docker's volume names are unique, and making one that is there gives the one that is there: whose mark it bears has
the claim.
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
_STALE_S = 600.0  # a command that was killed leaves its claim


@contextmanager
def claimed(project: str) -> Iterator[None]:
    """Hold the project's name while it is started. DrError when another command has it."""
    mark, name = secrets.token_hex(8), f"{project}-claim"
    with docker_engine.speaking() as client:
        claim = client.volumes.create(name, labels={_MARK: mark})
        if _is_stale(claim):
            claim.remove(force=True)
            claim = client.volumes.create(name, labels={_MARK: mark})
    if (claim.attrs.get("Labels") or {}).get(_MARK) != mark:
        raise DrError(
            f"The stack {project} is being started by another command at this moment.",
            "Another DR_RUN_ID starts one beside it.",
        )
    try:
        yield
    finally:
        with docker_engine.speaking():
            claim.remove(force=True)


def check_owner(
    project: str, found: list[Any], workspace: Path, hint: str = "Stop it there, or take another DR_RUN_ID."
) -> None:
    """DrError when containers or services of the project belong to another workspace, or to another program."""
    for one in found:
        owner = (getattr(one, "labels", None) or one.attrs["Spec"]["Labels"]).get(
            docker_engine.WORKSPACE, "another program"
        )
        if owner != str(workspace):
            raise DrError(f"The stack {project} on this machine belongs to {owner}.", hint)


def _is_stale(claim: Any) -> bool:
    made = datetime.fromisoformat(claim.attrs["CreatedAt"]).timestamp()
    return time.time() - made > _STALE_S
