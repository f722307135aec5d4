"""Logs of a process stack: plain files under data/logs/<run>/<kind>/."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from drcli.errors import DrError
from drcli.launch import stack
from drcli.launch.plan import Kind
from drcli.launch.processes.run_folder import Replica, RunFolder
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store.server import server_status

_POLL_S = 0.2


def find_log(workspace: Workspace, kind: Kind, run_id: int, service: str, replica: int = 1) -> Path:
    """The log of a service. DrError when there is none, naming those there are."""
    path = workspace.store_log
    if service != "minio":
        folder = RunFolder.of(workspace, kind, run_id)
        path = folder.log(Replica.name_of(service, replica - 1))
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob("*.log"))
        hint = f"There are logs of {', '.join(there)}." if there else "Nothing has run yet under this run id."
        raise DrError(f"There is no log {path}.", hint)
    return path


def more_may_come(workspace: Workspace, kind: Kind, run_id: int, service: str) -> Callable[[], bool]:
    """A function that tells whether the service, or for a service of a stack the run, goes on."""
    if service == "minio":
        pid = server_status(workspace).pid
        server = ProcessRef.find(pid) if pid is not None else None
        return lambda: server is not None and server.is_alive
    return lambda: stack.is_running(workspace, kind, run_id)


def read(path: Path, tail: int, goes_on: Callable[[], bool] = lambda: False) -> Iterator[str]:
    """The last `tail` lines, all with 0; then those that come, until `goes_on` says no."""
    begun = ""  # a line whose end is not written yet
    with path.open(errors="replace") as file:
        for part in chain(deque(file, tail) if tail else file, _later(file, goes_on)):
            begun += part
            if begun.endswith("\n"):
                yield begun.removesuffix("\n")
                begun = ""
    if begun:
        yield begun


def _later(file: TextIO, goes_on: Callable[[], bool]) -> Iterator[str]:
    """What is appended to `file` from now on."""
    while True:
        is_last_look = not goes_on()
        while part := file.readline():
            yield part
        if is_last_look:
            return
        time.sleep(_POLL_S)
