"""Interrupts a call into foreign code that takes too long, wherever it hangs in Python.

One daemon thread watches the calls of all threads. Code that sits in one C call cannot be interrupted:
for that there is `on_stuck`, and it too has to wait while such a call keeps the interpreter lock.
"""

from __future__ import annotations

import ctypes
import os
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
    """The call that a thread is in, or was in last.

    Calls begin and end without a lock, as there are so many. `is_running` and `interrupts` make that safe: the
    watcher counts an interrupt before it looks whether the call still runs, and the thread says that the call has
    ended before it looks for interrupts. So at least one of them sees the other. Only a thread that sees an interrupt
    takes the lock, and with it waits until the watcher is through.
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
    """`function(argument)`; `on_stuck` is called from another thread if it outlives the interrupt by seconds.

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
    if call.interrupts:  # swallowed over there, or it came too late
        raise _too_slow(call)
    return result


def _new_call() -> _Call:
    """Of this thread, which has made none so far."""
    global _watcher
    with _lock:
        if _watcher is None:
            _watcher = threading.Thread(target=_keep_watch, name="deadline", daemon=True)
            _watcher.start()
        for thread in _calls.keys() - sys._current_frames().keys():
            del _calls[thread]
        return _calls.setdefault(threading.get_ident(), _Call())


def _take_back() -> None:
    """Let the watcher get through; an interrupt that has not arrived is not to arrive later."""
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


def _forget_all() -> None:
    """A forked child has no watcher, and its only thread is in no call."""
    global _watcher, _lock
    _watcher, _lock = None, threading.Lock()
    _calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
