"""Interrupts a call into foreign code that takes too long, wherever it hangs in Python code.

One daemon thread watches the calls of all threads. Code inside a single C call cannot be interrupted;
`on_stuck` reports it, but also has to wait while such a call holds the interpreter lock.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_POLL_S = 0.1
_GRACE_S = 3.0

Stack = list[tuple[str, int]]  # file and line, innermost first
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class TooSlow(Exception):
    """The call exceeded its limit; `stack` is where it was interrupted."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack = stack


class _Interrupt(BaseException):
    """Raised in the watched thread; not an Exception, so that `except Exception` there does not catch it."""


class _Call:
    """The current or latest call of a thread.

    Calls start and end without a lock, as there are so many. `is_running` and `interrupts` make that safe: the
    watcher counts an interrupt before it checks whether the call is still running, and the thread marks the call as
    ended before it checks for interrupts. So at least one of them sees the other. Only a thread that sees an interrupt
    takes the lock, and thereby waits until the watcher is done.
    """

    __slots__ = ("interrupts", "is_running", "limit_s", "on_stuck", "since_s", "stack")

    def __init__(self) -> None:
        self.is_running = False
        self.interrupts = 0
        self.limit_s = self.since_s = 0.0
        self.on_stuck: Callable[[Stack], None] | None = None
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
    """Return `function(argument)`; another thread calls `on_stuck` if it outlives the interrupt by seconds.

    Raises:
        TooSlow: it took longer than `limit_s` (wall clock).
    """
    call = _calls.get(threading.get_ident()) or _new_call()
    call.limit_s, call.on_stuck, call.since_s = limit_s, on_stuck, time.monotonic()
    call.is_running = True
    try:
        try:
            result = function(argument)
        finally:
            call.is_running = False
            if call.interrupts:
                _take_back()
    except _Interrupt:
        call.is_running = False
        raise _too_slow(call) from None
    except BaseException:
        call.interrupts = 0
        raise
    if call.interrupts:  # the function caught it, or it came too late
        raise _too_slow(call)
    return result


def _new_call() -> _Call:
    """The record of this thread, which has made no call so far."""
    global _watcher
    with _lock:
        if _watcher is None:
            _watcher = threading.Thread(target=_keep_watch, name="deadline", daemon=True)
            _watcher.start()
        for thread in _calls.keys() - _frames().keys():
            del _calls[thread]
        return _calls.setdefault(threading.get_ident(), _Call())


def _take_back() -> None:
    """Wait for the watcher, and cancel an interrupt that has not arrived, so that it does not arrive later."""
    with _lock:
        _raise_in(threading.get_ident(), None)


def _too_slow(call: _Call) -> TooSlow:
    _take_back()
    call.interrupts = 0
    return TooSlow(call.stack)


def _keep_watch() -> None:
    while True:
        time.sleep(_POLL_S)
        stuck = []
        with _lock:
            for thread, call in _calls.items():
                since_s = call.since_s
                overtime_s = time.monotonic() - since_s - call.limit_s
                if call.is_running and overtime_s >= _GRACE_S and call.on_stuck:
                    stuck.append(call)
                elif call.is_running and overtime_s >= call.interrupts:
                    call.interrupts += 1
                    if call.is_running and call.since_s == since_s:
                        call.stack = _stack_of(thread)
                        _raise_in(thread, _Interrupt)
                    else:
                        call.interrupts = 0
        for call in stuck:
            report, call.on_stuck = call.on_stuck, None
            if report:
                report(call.stack)


def _frames() -> dict[int, FrameType]:
    """What each thread is at. Without garbage collection, which deadlocks in there up to Python 3.11.7."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if is_collecting:
            gc.enable()


def _stack_of(thread: int) -> Stack:
    stack, frame = [], _frames().get(thread)
    while frame:
        stack.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return stack


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise in another thread at its next bytecode; None cancels what is still pending there."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(exception) if exception else None
    )


def _forget_all() -> None:
    """A forked child has no watcher, and its only thread is in no call."""
    global _watcher, _lock
    _watcher, _lock = None, threading.Lock()
    _calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
