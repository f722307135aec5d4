"""Stops the embedded S3 server of a workspace once it has been idle for a while.

`python -m drcli.store.idle_watch WORKSPACE MINUTES`, started with the server by `drcli.store.server`. The server is
in use while a process of `store_users` is running or a client is connected. The watch decides under the store's lock,
which a command holds while it finds the server and registers, so the server never stops between the two. As the watch
keeps running, it is small: no boto3.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psutil

from drcli.local import lock
from drcli.paths import Workspace
from drcli.store import store_users
from drcli.store.server_process import end, find_server, is_over

_LOOK_S = 20.0


class IdleWatch:
    """Checks for users of one server periodically. `idle_s`: seconds without any until the server is stopped."""

    def __init__(self, workspace: Workspace, idle_s: float) -> None:
        self._workspace = workspace
        self._idle_s = idle_s
        self._server: psutil.Process | None = None
        self._last_change = 0
        self._last_use = time.monotonic()

    def run(self) -> None:
        """Run until the server has ended for any reason. The process exits while it holds the lock: see `_leave`."""
        while True:
            with suppress(OSError):  # the workspace may be deleted at this moment
                self._look()
            time.sleep(min(_LOOK_S, self._idle_s / 4))

    def _look(self) -> None:
        if not self._workspace.data.is_dir():
            self._end_without_workspace()
        if self._server is None or is_over(self._server):
            self._find_server()
        if self._is_used():
            self._last_use = time.monotonic()
        elif time.monotonic() - self._last_use >= self._idle_s:
            self._end_server()

    def _find_server(self) -> None:
        with lock(self._workspace.store_lock):
            found = find_server(self._workspace)
            if found is None:
                _leave()
            self._server = found.process

    def _end_server(self) -> None:
        with lock(self._workspace.store_lock):
            if self._server is None or self._is_used():
                return
            end(self._server)
            minutes = f"{self._idle_s / 60:g} minutes"
            sys.stdout.write(
                f"{time.strftime('%Y/%m/%d %H:%M:%S')} Stopped: the store was idle for {minutes}.\n"
            )
            _leave()

    def _end_without_workspace(self) -> None:
        """Stop the server of a deleted workspace, whose lock is gone, too."""
        found = find_server(self._workspace)
        if found is not None:
            end(found.process)
        _leave()

    def _is_used(self) -> bool:
        change = store_users.last_change_ns(self._workspace)
        is_new, self._last_change = change != self._last_change, change
        return is_new or bool(store_users.living(self._workspace)) or self._is_connected()

    def _is_connected(self) -> bool:
        with suppress(psutil.Error):
            connections = self._server.net_connections("tcp") if self._server is not None else []
            return any(connection.status == psutil.CONN_ESTABLISHED for connection in connections)
        return False


def _leave() -> NoReturn:
    """Exit immediately, so that the next holder of the lock does not take this for a watch that keeps running."""
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """Watch the server of the workspace named on the command line."""
    IdleWatch(Workspace(Path(sys.argv[1])), float(sys.argv[2]) * 60).run()


if __name__ == "__main__":
    main()
