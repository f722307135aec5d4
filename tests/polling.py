"""Waiting for what other processes do: by polling, with a deadline that only a real hang reaches.

A wait costs nothing when all is well, so the deadline says nothing about speed: it is long enough for a machine whose
cores are busy with other things.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_S = 600.0
_T = TypeVar("_T")


def until(condition: Callable[[], _T], deadline_s: float = DEADLINE_S, every_s: float = 0.02) -> _T:
    """Poll until `condition` gives something true; that. AssertionError after `deadline_s` seconds."""
    deadline = time.monotonic() + deadline_s
    while not (result := condition()):
        assert time.monotonic() < deadline, f"it did not happen within {deadline_s:.0f} s"
        time.sleep(every_s)
    return result
