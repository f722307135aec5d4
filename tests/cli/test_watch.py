"""`dr watch`: a training seen from another shell."""

from __future__ import annotations

from typing import Any


def test_once_prints_the_dashboard_of_a_run_that_has_ended(finished: Any) -> None:
    result = finished.racer.invoke("watch", "--once")
    assert result.exit_code == 0, result.stderr
    assert "training 0  ended" in result.stdout
    assert "robomaker-1" in result.stdout and "_Step-" in result.stdout
    assert "next: dr evaluate" in result.stderr


def test_without_a_terminal_it_prints_lines(finished: Any) -> None:
    result = finished.racer.invoke("watch")
    assert result.exit_code == 0, result.stderr
    assert "The run ended after" in result.stdout
    assert "█" not in result.stdout + result.stderr


def test_a_run_that_was_never_started(finished: Any) -> None:
    result = finished.racer.invoke("watch", "--set", "DR_RUN_ID=9")
    assert result.exit_code == 1
    assert "No training of run 9 was ever started here." in result.stderr
    assert "dr start-training" in result.stderr
