"""`time` and `datetime` for reward functions: they show the simulated clock instead of the machine's.

One in eight real reward functions reads the wall clock to time laps or steps, which is meaningless in a
simulation that runs many times faster than real time. The real modules are copied, not changed.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

_CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "thread_time")


def simulated_modules(now_s: Callable[[], float]) -> dict[str, ModuleType]:
    """Modules by name, whose clocks show `now_s()`; `sleep` returns immediately."""
    clock = _copy_of(time)
    for name in _CLOCKS:
        setattr(clock, name, now_s)
        setattr(clock, f"{name}_ns", lambda: round(now_s() * 1e9))
    for name in ("localtime", "gmtime", "ctime"):
        setattr(clock, name, _of_now(getattr(time, name), now_s))
    clock.sleep = lambda seconds: None  # type: ignore[attr-defined]

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Datetime:
            return cls.fromtimestamp(now_s(), tz)

        @classmethod
        def today(cls) -> Datetime:
            return cls.fromtimestamp(now_s())

        @classmethod
        def utcnow(cls) -> Datetime:
            return cls.fromtimestamp(now_s(), datetime.UTC).replace(tzinfo=None)

    calendar = _copy_of(datetime)
    calendar.datetime = Datetime  # type: ignore[attr-defined]
    return {"time": clock, "datetime": calendar}


def _copy_of(module: ModuleType) -> ModuleType:
    copy = ModuleType(module.__name__, module.__doc__)
    vars(copy).update(vars(module))
    return copy


def _of_now(convert: Callable[[float], Any], now_s: Callable[[], float]) -> Callable[..., Any]:
    return lambda seconds=None: convert(now_s() if seconds is None else seconds)
