"""Interrupting what hangs, and nothing else."""

from __future__ import annotations

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


def test_what_is_quick_returns_its_result_or_its_exception() -> None:
    assert call_within(5.0, spin, 0.0) == "done"
    with pytest.raises(KeyError):
        call_within(5.0, {}.__getitem__, "x")
    assert not deadline._calls


def test_what_is_slow_is_interrupted_where_it_is() -> None:
    with pytest.raises(TooSlow) as caught:
        call_within(0.1, spin, 60.0)
    file, line = caught.value.stack[0]
    assert file == __file__
    assert spin.__code__.co_firstlineno < line < spin.__code__.co_firstlineno + 4
    assert not deadline._calls


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
