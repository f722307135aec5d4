"""A params dict that remembers which keys a reward function reads and writes, and in which lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class KeyRecord:
    """What was seen over many calls: lines of the function's file by key. `all_keys`: it goes through all of them."""

    filename: str
    read: dict[str, set[int]] = field(default_factory=dict)
    unknown: dict[str, set[int]] = field(default_factory=dict)  # asked for, but never in the params
    written: set[str] = field(default_factory=set)
    all_keys: bool = False

    def line(self) -> int:
        """The innermost line of the function's file that is running; 0 if it is a library's."""
        frame = sys._getframe(2)
        while frame.f_back is not None and frame.f_code.co_filename != self.filename:
            frame = frame.f_back
        return frame.f_lineno if frame.f_code.co_filename == self.filename else 0


class RecordedParams(dict[str, Any]):
    """Params of one call; works as a dict, however it is read."""

    def __init__(self, params: Mapping[str, Any], record: KeyRecord) -> None:
        super().__init__(params)
        self._record = record

    def __getitem__(self, key: str) -> Any:
        self._note(key, self._record.line())
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        self._note(key, self._record.line())
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key), self._record.line())
        return super().__contains__(key)

    def pop(self, key: str, *default: Any) -> Any:
        """As of a dict."""
        self._note(key, self._record.line())
        self._record.written.add(key)
        return super().pop(key, *default)

    def __setitem__(self, key: str, value: Any) -> None:
        self._record.written.add(key)
        super().__setitem__(key, value)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        self._record.written.add(key)
        return super().setdefault(key, default)

    def update(self, *others: Any, **more: Any) -> None:
        """As of a dict."""
        self._record.written |= dict(*others, **more).keys()
        super().update(*others, **more)

    def __iter__(self) -> Iterator[str]:
        self._record.all_keys = True
        return super().__iter__()

    def keys(self) -> Any:
        """As of a dict."""
        self._record.all_keys = True
        return super().keys()

    def values(self) -> Any:
        """As of a dict."""
        self._record.all_keys = True
        return super().values()

    def items(self) -> Any:
        """As of a dict."""
        self._record.all_keys = True
        return super().items()

    def _note(self, key: str, line: int) -> None:
        if not super().__contains__(key):
            if key not in self._record.written:
                self._record.unknown.setdefault(key, set()).add(line)
        elif key not in self._record.written:
            self._record.read.setdefault(key, set()).add(line)
