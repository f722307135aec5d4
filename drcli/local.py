"""This machine: files only their owner can read, locks that go with their holder, processes found again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_CLOCK_SLACK_S = 5.0  # Linux derives start times from the wall clock, which may be set meanwhile


@dataclass(frozen=True)
class ProcessRef:
    """Which process is ours. A pid alone may be another's by now; its start time tells."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessRef:
        """The process that has this pid now; `psutil.NoSuchProcess` when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def find(cls, pid: int) -> ProcessRef | None:
        """As `of`; None when there is none."""
        with suppress(psutil.NoSuchProcess):
            return cls.of(pid)
        return None

    def process(self) -> psutil.Process | None:
        """The process, None when it is gone."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            is_ours = abs(process.create_time() - self.created) < _CLOCK_SLACK_S
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process() is not None


def write_private(path: Path, content: Any, *, replace: bool = True) -> None:
    """Write JSON that only its owner can read; whole or not at all, over an older file only with `replace`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    if replace:
        draft.replace(path)
        return
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Only one process at a time; the lock goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
