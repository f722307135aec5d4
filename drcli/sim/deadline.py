"""Interrupts a call into foreign code that takes too long, wherever it hangs in Python.

One daemon thread watches the calls of all threads. Code that sits in one C call cannot be interrupted:
for that there is `on_stuck`, and it too has to wait while such a call keeps the interpreter lock.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_POLL_S = 0.1
_GRACE_S = 3.0

Stack = list[tuple[str, int]]  # file and line, innermost first
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class TooSlow(Exception):
    """The call took longer than it may; `stack` says where it was when it was interrupted."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack = stack


class _Interrupt(BaseException):
    """Raised in the watched thread; not an Exception, so that `except Exception` there lets it pass."""


class _Call:
    __slots__ = ("interrupts", "limit_s", "on_stuck", "since_s", "stack")

    def __init__(self, limit_s: float, on_stuck: Callable[[Stack], None] | None) -> None:
        self.limit_s = limit_s
        self.on_stuck = on_stuck
        self.since_s = time.monotonic()
        self.interrupts = 0
        self.stack: Stack = []


_calls: dict[int, _Call] = {}  # by thread
_lock = threading.Lock()
_watcher: threading.Thread | None = None


def call_within(
    limit_s: float,
    function: Callable[[_Argument], _Result],
    argument: _Argument,
    on_stuck: Callable[[Stack], None] | None = None,
) -> _Result:
    """`function(argument)`; `on_stuck` is called from another thread if it outlives the interrupt by seconds.

    Raises:
        TooSlow: it took longer than `limit_s` (wall clock).
    """
    thread = threading.get_ident()
    call = _Call(limit_s, on_stuck)
    _watch(thread, call)
    try:
        try:
            result = function(argument)
        finally:
            _release(thread, call)
    except _Interrupt:
        _release(thread, call)
        raise TooSlow(call.stack) from None
    if call.interrupts:  # swallowed over there, or it came too late
        raise TooSlow(call.stack)
    return result


def _watch(thread: int, call: _Call) -> None:
    global _watcher
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_keep_watch, name="deadline", daemon=True)
        _watcher.start()
    with _lock:
        _calls[thread] = call


def _release(thread: int, call: _Call) -> None:
    with _lock:
        _calls.pop(thread, None)
        if call.interrupts:
            _raise_in(thread, None)


def _keep_watch() -> None:
    while True:
        time.sleep(_POLL_S)
        stuck = []
        with _lock:
            for thread, call in _calls.items():
                overtime_s = time.monotonic() - call.since_s - call.limit_s
                if overtime_s >= _GRACE_S and call.on_stuck:
                    stuck.append(call)
                elif overtime_s >= call.interrupts:
                    call.interrupts += 1
                    call.stack = _stack_of(thread)
                    _raise_in(thread, _Interrupt)
        for call in stuck:
            report, call.on_stuck = call.on_stuck, None
            if report:
                report(call.stack)


def _stack_of(thread: int) -> Stack:
    stack, frame = [], sys._current_frames().get(thread)
    while frame:
        stack.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return stack


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise in another thread at its next bytecode; None takes back what is still waiting there."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(exception) if exception else None
    )
