"""Interrupting what hangs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from drcli.sim import deadline
from drcli.sim.deadline import Stack, TooSlow, call_within


def spin(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


def stubborn(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            spin(end - time.monotonic())
        except BaseException:  # noqa: BLE001 - what users write
            continue
    return "done"


def is_watched() -> bool:
    return any(call.is_running or call.interrupts for call in deadline._calls.values())


def test_what_is_quick_returns_its_result_or_its_exception() -> None:
    assert call_within(5.0, spin, 0.0) == "done"
    with pytest.raises(KeyError):
        call_within(5.0, {}.__getitem__, "x")
    assert not is_watched()


def test_what_is_slow_is_interrupted_where_it_is() -> None:
    with pytest.raises(TooSlow) as caught:
        call_within(0.1, spin, 60.0)
    file, line = caught.value.stack[0]
    assert file == __file__
    assert spin.__code__.co_firstlineno < line < spin.__code__.co_firstlineno + 4
    assert not is_watched()


def test_code_that_swallows_the_interrupt_is_too_slow_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck: list[Stack] = []
    monkeypatch.setattr(deadline, "_GRACE_S", 0.3)
    with pytest.raises(TooSlow):
        call_within(0.1, stubborn, 0.8, stuck.append)
    assert len(stuck) == 1
    assert any(file == __file__ for file, _ in stuck[0])


def test_no_interrupt_reaches_the_caller_after_the_call() -> None:
    for _ in range(5):
        with pytest.raises(TooSlow):
            call_within(0.0, spin, 60.0)
        assert spin(0.15) == "done"


def test_threads_are_watched_each_on_its_own() -> None:
    results: list[str] = []
    patient = threading.Thread(target=lambda: results.append(call_within(30.0, spin, 0.5)))
    patient.start()
    with pytest.raises(TooSlow):
        call_within(0.1, spin, 60.0)
    patient.join(timeout=30.0)
    assert results == ["done"]


def test_calls_as_long_as_the_limit_end_either_way_and_leave_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watcher and the end of the call meet again and again."""
    monkeypatch.setattr(deadline, "_POLL_S", 0.001)
    time.sleep(0.15)  # its last long nap
    outcomes = set()
    for turn in range(400):
        try:
            outcomes.add(call_within(0.002, spin, 0.001 + turn % 20 * 1e-4))
        except TooSlow:
            outcomes.add("slow")
        assert spin(0.0005) == "done"
        assert not is_watched()
    assert outcomes == {"done", "slow"}


FORKED = """
import os, sys, time
from drcli.sim.deadline import TooSlow, call_within
call_within(5.0, len, "")
child = os.fork()
if child == 0:
    try:
        call_within(0.1, lambda until: [None for _ in iter(time.monotonic, until)], 0.0)
    except TooSlow:
        os._exit(7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_watcher_of_its_own() -> None:
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], timeout=60.0).returncode == 7
