"""Whether a service is well: `python -m drcli.services.health`, which Docker runs every few seconds.

A service that does its work touches a file about once a second: the trainer once it listens, a worker once the
trainer has welcomed it. Imports nothing heavy.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from drcli import env

INTERVAL_S = 1.0
MAX_AGE_S = 60.0
_SLACK_S = 1.0  # clocks of processes are coarse


def heartbeat_file() -> Path:
    """The file that a service in a container touches."""
    return Path(env.read(env.DR_HEARTBEAT_FILE) or Path(tempfile.gettempdir()) / "drcli-heartbeat")


class Heartbeat:
    """The sign of life of one service; without a file it does nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = 0.0

    @classmethod
    def of_service(cls) -> Heartbeat:
        """Of this process: the services of a process stack have a supervisor and need none."""
        is_wanted = env.read(env.DR_CONTAINER) == "1" or env.read(env.DR_HEARTBEAT_FILE)
        return cls(heartbeat_file() if is_wanted else None)

    def beat(self, *_: object) -> None:
        """All is well; called as often as is handy, with whatever arguments, from one thread."""
        if self._path is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL_S
        with suppress(OSError):  # a full disk is no reason to end
            self._path.write_text(str(os.getpid()))


def fault(path: Path, container_started: float) -> str:
    """What is wrong with the service that touches `path`; empty when it is well. Seconds since the epoch."""
    try:
        touched = path.stat().st_mtime
    except OSError:
        return "The service is not ready yet."
    if (
        touched < container_started - _SLACK_S
    ):  # what a container that is started again finds of its earlier life
        return "The service is not ready again yet."
    age_s = time.time() - touched
    return "" if age_s < MAX_AGE_S else f"The service was last heard of {age_s:.0f} s ago."


def main() -> None:
    """Exit code 0 when the service is well, else 1 and a line."""
    said = fault(heartbeat_file(), psutil.Process(1).create_time() if sys.platform == "linux" else 0.0)
    if said:
        sys.stdout.write(f"{said}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
