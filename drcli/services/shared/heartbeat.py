"""The heartbeat of a service: a file that it touches about once a second while it works.

The trainer starts once it listens, a worker once the trainer has welcomed it; `drcli.services.health` checks it.
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
    """The heartbeat of one service; does nothing without a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = 0.0

    @classmethod
    def of_service(cls) -> Heartbeat:
        """The heartbeat of this process; services under our supervisor need none."""
        is_wanted = IS_CONTAINER.read() or HEARTBEAT_FILE.read() is not None
        return cls(heartbeat_file() if is_wanted else None)

    def beat(self, *_: object) -> None:
        """Touch the file. May be called at any rate, with any arguments, from one thread."""
        if self._path is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL_S
        with suppress(OSError):  # a full disk is no reason to stop
            self._path.write_text(str(os.getpid()))
