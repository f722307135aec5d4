"""Keeps the workspace's own S3 server running as long as a stack needs it. Called by the supervisor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from drcli.errors import DrError
from drcli.launch.processes.process_plan import EmbeddedServer
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store import store_users
from drcli.store.server import ensure_server, server_status

LOOK_S = 1.0


class StoreKeeper:
    """Checks the server once a second and restarts it when it has stopped. Registers itself as a user of the server."""

    def __init__(self, store: EmbeddedServer, report: Callable[[str], None]) -> None:
        self._store = store
        self._workspace = Workspace(Path(store.root))
        self._report = report
        self._server: ProcessRef | None = None
        self._next_look = 0.0
        self._complaint = ""
        self.add_user(ProcessRef.of(os.getpid()))

    def add_user(self, process: ProcessRef) -> None:
        """Register a service of the stack, so that the server keeps running even if the supervisor is killed."""
        with suppress(OSError):  # a full disk must not end the supervision
            store_users.register(self._workspace, self._store.port, process)

    def look(self, *, now: bool = False) -> None:
        """Check the server if it is time to, or `now`. A problem that cannot be fixed is reported once."""
        if not now and time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_S
        if self._server is not None and self._server.is_alive:
            return
        try:
            self._server = self._find() or self._start()
        except DrError as error:
            if error.message != self._complaint:
                self._complaint = error.message
                self._report(f"The store has stopped and cannot be restarted: {error.message}")

    def _start(self) -> ProcessRef | None:
        ensure_server(self._workspace, self._store.port, self._store.bucket)
        self._complaint = ""
        self._report("The store had stopped and was restarted.")
        return self._find()

    def _find(self) -> ProcessRef | None:
        pid = server_status(self._workspace).pid
        return ProcessRef.find(pid) if pid is not None else None
