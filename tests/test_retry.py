"""Trying again: how often, how long, and what comes out in the end."""

from __future__ import annotations

import threading
import time

import pytest

from drcli.errors import DrError
from drcli.retry import keep_trying


class Action:
    """Fails so many times, then gives its number of calls."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error or DrError("The store is unreachable.")

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return self.calls


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; threads that other tests have left behind do."""
    waited: list[float] = []
    own, sleep = threading.get_ident(), time.sleep

    def pause(seconds: float) -> None:
        if threading.get_ident() == own:
            waited.append(seconds)
        else:
            sleep(seconds)

    monkeypatch.setattr(time, "sleep", pause)
    return waited


def test_what_succeeds_is_done_once(pauses: list[float]) -> None:
    assert keep_trying(Action(0), patience_s=10.0, pause_s=float) == 1
    assert pauses == []


def test_each_attempt_is_reported_and_waited_for(pauses: list[float]) -> None:
    said: list[tuple[str, float]] = []
    done = keep_trying(
        Action(3),
        patience_s=1000.0,
        pause_s=lambda attempts: attempts / 2,
        report=lambda error, pause_s: said.append((error.message, pause_s)),
    )
    assert (done, pauses) == (4, [0.5, 1.0, 1.5])
    assert said == [("The store is unreachable.", pause_s) for pause_s in pauses]


@pytest.mark.parametrize("patience_s", [0.0, -1.0])
def test_without_patience_the_error_comes_out_as_it_was(patience_s: float) -> None:
    action = Action(9)
    with pytest.raises(DrError, match="unreachable"):
        keep_trying(action, patience_s=patience_s, pause_s=float)
    assert action.calls == 1


def test_what_is_not_worth_it_is_not_tried_again() -> None:
    action = Action(9)
    with pytest.raises(DrError, match="unreachable"):
        keep_trying(action, patience_s=1000.0, pause_s=float, is_worth_it=lambda error: action.calls < 3)
    assert action.calls == 3


def test_a_bug_comes_out_at_once() -> None:
    action = Action(9, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        keep_trying(action, patience_s=1000.0, pause_s=float)
    assert action.calls == 1
