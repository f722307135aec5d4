"""Logs of a process stack: plain files under data/logs/<run>/<kind>/."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from drcli.errors import DrError
from drcli.launch import stack
from drcli.launch.plan import Kind
from drcli.launch.run_folder import RunFolder
from drcli.paths import Workspace

_POLL_S = 0.2


def find_log(workspace: Workspace, kind: Kind, run_id: int, service: str, replica: int = 1) -> Path:
    """The log of a service. DrError when there is none, naming those there are."""
    if service == "minio":
        path = workspace.store_log
    else:
        name = service if service == "sagemaker" else f"{service}-{replica}"
        path = RunFolder.of(workspace, kind, run_id).log(name)
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob("*.log"))
        hint = f"There are logs of {', '.join(there)}." if there else "Nothing has run yet under this run id."
        raise DrError(f"There is no log {path}.", hint)
    return path


def is_running(workspace: Workspace, kind: Kind, run_id: int, service: str) -> bool:
    """Whether more may come."""
    seen = stack.read(workspace, kind, run_id)
    return service == "minio" or (seen is not None and seen.is_alive)


def last_lines(path: Path, tail: int) -> Iterator[str]:
    """The last `tail` lines, all with 0."""
    with path.open(errors="replace") as file:
        for line in deque(file, tail) if tail else file:
            yield line.rstrip("\n")


def follow(path: Path, tail: int, goes_on: Callable[[], bool]) -> Iterator[str]:
    """The last lines, then those that come, until `goes_on` says no."""
    yield from last_lines(path, tail)
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        while True:
            is_last_look = not goes_on()
            while line := file.readline():
                yield line.rstrip("\n")
            if is_last_look:
                return
            time.sleep(_POLL_S)
