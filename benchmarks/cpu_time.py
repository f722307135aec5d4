"""CPU time of all processes of a workspace, which says more than seconds on a machine that is not alone."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import psutil

_EVERY_S = 0.3


class CpuTime:
    """Looks now and then while a `with` block runs, since most processes of a stack end within it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._is_ours: dict[psutil.Process, bool] = {}
        self._before: dict[psutil.Process, float] = {}
        self._now: dict[psutil.Process, float] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> CpuTime:
        self._look()
        self._before = dict(self._now)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look()
        self._end.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Spent since the block began."""
        return sum(seconds - self._before.get(process, 0.0) for process, seconds in self._now.items())

    def _watch(self) -> None:
        while not self._end.wait(_EVERY_S):
            self._look()

    def _look(self) -> None:
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if not self._is_ours.get(process):  # a new process is first a copy of what started it
                    words = (process.cwd(), *process.cmdline())
                    self._is_ours[process] = any(self._folder in word for word in words)
                if self._is_ours[process]:
                    self._now[process] = sum(process.cpu_times()[:2])
