"""The processes that use the embedded server of a workspace: one small file per process in `data/store.users/`.

A process counts as long as it is running, so a killed process is no longer a user. `drcli.store.server` deletes the
files of ended processes under the store's lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from drcli.local import ProcessRef, write_private
from drcli.paths import Workspace


class StoreUser(NamedTuple):
    """A running process that uses the server, and the port at which it expects it."""

    process: ProcessRef
    port: int


def register(workspace: Workspace, port: int, process: ProcessRef | None = None) -> None:
    """Register a process, by default this one, as a user until it ends. Idempotent."""
    user = process or ProcessRef.of(os.getpid())
    write_private(_file(workspace, user.pid), {"pid": user.pid, "created": user.created, "port": port})


def note_use(workspace: Workspace) -> None:
    """Record that this process uses the server for a moment, such as a command that only reads."""
    with suppress(OSError):  # nobody has used it yet, or the workspace is read-only
        os.utime(workspace.store_users)


def living(workspace: Workspace) -> list[StoreUser]:
    """All users that are still running."""
    return [user for _, user in _registered(workspace) if user is not None and user.process.is_alive]


def sweep(workspace: Workspace) -> None:
    """Remove those that have ended. Called with the store's lock held, as their pids may be reused."""
    for path, user in _registered(workspace):
        if user is None or not user.process.is_alive:
            path.unlink(missing_ok=True)


def last_change_ns(workspace: Workspace) -> int:
    """A number that changes with each use of the server; 0 before the first."""
    try:
        return workspace.store_users.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _registered(workspace: Workspace) -> Iterator[tuple[Path, StoreUser | None]]:
    for path in workspace.store_users.glob("*.json"):
        user = None
        with suppress(OSError, ValueError, KeyError, TypeError):
            facts = json.loads(path.read_text())
            user = StoreUser(ProcessRef(facts["pid"], facts["created"]), facts["port"])
        yield path, user


def _file(workspace: Workspace, pid: int) -> Path:
    return workspace.store_users / f"{pid}.json"
