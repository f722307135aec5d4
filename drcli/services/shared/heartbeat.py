"""The sign of life of a service: a file that it touches about once a second while it does its work.

The trainer does once it listens, a worker once the trainer has welcomed it; `drcli.services.health` looks at it.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from drcli.contract.service_variables import HEARTBEAT_FILE, IS_CONTAINER

INTERVAL_S = 1.0


def heartbeat_file() -> Path:
    """The file that a service in a container touches."""
    return HEARTBEAT_FILE.read() or Path(tempfile.gettempdir()) / "drcli-heartbeat"


class Heartbeat:
    """The sign of life of one service; without a file it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = 0.0

    @classmethod
    def of_service(cls) -> Heartbeat:
        """Of this process: the services of a process stack have a supervisor and need none."""
        is_wanted = IS_CONTAINER.read() or HEARTBEAT_FILE.read() is not None
        return cls(heartbeat_file() if is_wanted else None)

    def beat(self, *_: object) -> None:
        """All is well; called as often as is handy, with whatever arguments, from one thread."""
        if self._path is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL_S
        with suppress(OSError):  # a full disk is no reason to end
            self._path.write_text(str(os.getpid()))
