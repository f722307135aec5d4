"""Reading a log that is a plain file and may still be growing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from drcli.errors import DrError

_POLL_S = 0.2


def read(path: Path, tail: int, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """The last `tail` lines (0: all); with `goes_on`, new lines until it returns False.

    Raises DrError if the log does not exist; its hint names the existing ones.
    """
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob("*.log") if "." not in p.stem)
        hint = f"Logs exist for {', '.join(there)}." if there else "Nothing has run under this run id yet."
        raise DrError(f"There is no log {path}.", hint)
    return _read(path, tail, goes_on or (lambda: False))


def _read(path: Path, tail: int, goes_on: Callable[[], bool]) -> Iterator[str]:
    begun = ""  # a line that is not complete yet
    with path.open(errors="replace") as file:
        for part in chain(deque(file, tail) if tail else file, _later(file, goes_on)):
            begun += part
            if begun.endswith("\n"):
                yield begun.removesuffix("\n")
                begun = ""
    if begun:
        yield begun


def _later(file: TextIO, goes_on: Callable[[], bool]) -> Iterator[str]:
    """Whatever is appended to `file` from now on."""
    while True:
        is_last_look = not goes_on()
        while part := file.readline():
            yield part
        if is_last_look:
            return
        time.sleep(_POLL_S)
