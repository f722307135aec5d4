"""Keeps a log readable whatever a reward function prints."""

from __future__ import annotations

import time
from collections.abc import Callable

LINES_PER_SECOND = 20


class RateLimit:
    """Passes on a limited number of lines per second and reports how many it dropped, and where they are if `kept`."""

    def __init__(self, log: Callable[[str], None], kept: str = "") -> None:
        self._log = log
        self._kept = f"; they are in {kept}" if kept else ""
        self._second = 0
        self._lines = self._dropped = 0

    def __call__(self, line: str) -> None:
        """Pass on a line, or drop it."""
        second = int(time.monotonic())
        if second != self._second:
            if self._dropped:
                self._log(f"… {self._dropped} more lines of output dropped{self._kept}")
            self._second, self._lines, self._dropped = second, 0, 0
        if self._lines < LINES_PER_SECOND:
            self._log(line)
            self._lines += 1
        else:
            self._dropped += 1
