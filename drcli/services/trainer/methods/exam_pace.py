"""Keeps exams from taking more of the time than they are worth: on many tracks one takes longer than many lessons."""

from __future__ import annotations

import time


class ExamPace:
    """After each exam, `rest` times as long as it took has to be spent on learning."""

    def __init__(self, rest: float) -> None:
        self._rest = rest
        self._begun_at = self._rested_at = time.monotonic()

    @property
    def is_rested(self) -> bool:
        """Whether the next exam may begin."""
        return time.monotonic() >= self._rested_at

    def begin(self) -> None:
        """An exam begins."""
        self._begun_at = time.monotonic()

    def end(self) -> None:
        """It has ended."""
        now = time.monotonic()
        self._rested_at = now + self._rest * (now - self._begun_at)
