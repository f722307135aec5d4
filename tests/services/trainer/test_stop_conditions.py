"""When a run is over."""

from __future__ import annotations

import time
from typing import Any

import pytest

from drcli.services.trainer.stop_conditions import StopConditions


def rule(**changes: Any) -> StopConditions:
    limits = {"stop_progress_pct": None, "max_minutes": None, "max_episodes": 100, "average_score": 1e5}
    return StopConditions(**{**limits, **changes})


def test_nothing_stops_a_run_without_limits() -> None:
    endless = rule()
    for _ in range(50):
        endless.evaluation(100.0)
        endless.episode(1000.0)
    assert endless.reason(99) == ""


@pytest.mark.parametrize(
    ("evaluations", "is_over"),
    [
        ([80, 80, 80], True),
        ([80, 80], False),
        ([79.9, 80, 80], False),
        ([80, 80, 79.9, 80, 80], False),
        ([10, 80, 95, 100], True),
        ([80, 80, 80, 10], False),
    ],
)
def test_progress_has_to_be_reached_three_times_in_a_row(evaluations: list[float], is_over: bool) -> None:
    laps = rule(stop_progress_pct=80.0)
    for progress in evaluations:
        laps.evaluation(progress)
    assert laps.reason(0) == ("evaluation progress reached 80 % 3 times in a row" if is_over else "")


def test_minutes_count_from_the_first_step_that_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    two = rule(max_minutes=2.0)
    now_s += 3600  # the workers take their time
    assert (two.elapsed_s, two.reason(0)) == (0.0, "")
    two.start_clock()
    now_s += 119
    two.start_clock()  # has no effect any more
    assert (two.elapsed_s, two.reason(0)) == (119, "")
    now_s += 2
    assert "2 minutes are over (DR_TRAIN_MAX_MINUTES)" in two.reason(0)


def test_minutes_of_earlier_starts_count() -> None:
    assert rule(max_minutes=2.0, trained_s=119.0).reason(0) == ""
    assert "minutes are over" in rule(max_minutes=2.0, trained_s=121.0).reason(0)


@pytest.mark.parametrize(("episodes", "is_over"), [(0, False), (99, False), (100, True), (105, True)])
def test_episodes(episodes: int, is_over: bool) -> None:
    assert ("term_cond_max_episodes" in rule().reason(episodes)) == is_over


def test_the_score_is_the_mean_of_a_full_window() -> None:
    score = rule(average_score=10.0, window=4)
    assert score.recent_score is None
    for reward in (50.0, 50.0, 50.0):
        score.episode(reward)
        assert score.reason(0) == ""
    score.episode(-120.0)
    assert (score.recent_score, score.reason(0)) == (7.5, "")
    score.episode(60.0)
    assert score.recent_score == 10.0
    assert "mean reward of 4 episodes reached 10.0 (term_cond_avg_score)" in score.reason(0)


def test_a_request_goes_before_all_else() -> None:
    asked = rule(max_episodes=0)
    asked.requested = True
    assert asked.reason(5) == "stopped on request"
