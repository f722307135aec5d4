"""Rankings of drives: pure, with figures that can be checked by hand, then with laps that were driven."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from drcli.rewards.drives import Drive, drive_courses
from drcli.rewards.ranking import Ranking, is_better, order
from drcli.rewards.reference_courses import is_daring, reference_courses
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track


def drive(name: str, steps: int, pay: float, progress: float = 100.0, is_judged: bool = True) -> Drive:
    """A drive at constant speed with the same pay in each step."""
    status = "lap_complete" if progress == 100.0 else "off_track"
    along = np.linspace(progress / steps, progress, steps)
    return Drive(name, status, steps / 15, np.full(steps, pay), along, is_judged)


FAST, MIDDLE, SLOW = ("fast", 100), ("middle", 200), ("slow", 400)


def test_what_a_drive_is_worth_is_a_sum_over_the_rest_of_it() -> None:
    assert drive("lap", 50, 2.0).total == 100.0
    assert drive("lap", 50, 2.0).mean == 2.0
    rewards = np.array([1.0, 2.0, 4.0])
    along = np.array([0.0, 50.0, 100.0])
    worth = [1 + 0.5 * (2 + 0.5 * 4), 2 + 0.5 * 4, 4.0]
    expected = np.interp(np.arange(1, 100), along, worth).mean()
    assert Drive("", "lap_complete", 1.0, rewards, along).discounted(0.5) == pytest.approx(expected)
    half = Drive("", "off_track", 1.0, rewards, along / 2).discounted(0.5)
    reached = np.interp(np.arange(1, 51), along / 2, worth)
    assert half == pytest.approx(reached.sum() / 99), "where it never came, it is worth nothing"
    assert drive("lap", 50, 2.0).by_tenth() == pytest.approx([8.0, *[10.0] * 8, 12.0])


def test_correlations_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        times, pay = rng.integers(1, 9, 7), rng.integers(0, 5, 7)
        laps = [drive(str(i), int(t) * 10, 0.0) for i, t in enumerate(times)]
        found = order(laps, lambda lap, pay=pay: float(pay[int(lap.name)]))
        if math.isnan(found.kendall):
            continue
        assert found.kendall == pytest.approx(scipy.stats.kendalltau(-times, pay).statistic)
        assert found.spearman == pytest.approx(scipy.stats.spearmanr(-times, pay).statistic)


def test_the_same_pay_for_every_step_pays_for_being_slow() -> None:
    ranking = Ranking.of([drive(*lap, 1.0) for lap in (FAST, MIDDLE, SLOW)], 0.999)
    assert [each.name for each in ranking.drives] == ["slow", "middle", "fast"]
    assert (ranking.by_episode.verdict, ranking.by_episode.kendall) == ("reversed", -1.0)
    assert ranking.by_step.verdict == "unknown", "all the same"
    assert ranking.verdict == "It pays slow laps more than fast ones." and ranking.is_harmful
    assert "pay for progress per step" in ranking.advice
    worst = ranking.wrong_pairs[0]
    assert (worst.worse.name, worst.better.name, worst.gain) == ("slow", "fast", 0.75)
    assert worst.reason == "a step earns less, but it takes 4.0 times as many steps"


def test_pay_for_speed_shows_in_the_discounted_reward_only() -> None:
    """Twice the speed, twice the pay of a step: the same sum."""
    drives = [drive(*FAST, 4.0), drive(*MIDDLE, 2.02), drive(*SLOW, 1.03)]
    ranking = Ranking.of(drives, 0.97)
    assert (ranking.by_episode.verdict, ranking.discounted.verdict) == ("reversed", "right")
    assert ranking.is_right and "compare models by lap time" in ranking.verdict
    blind = Ranking.of(drives, 0.9999)
    assert blind.is_harmful and "With discount_factor 0.999 the learner would see" in blind.advice


def test_what_pays_for_leaving_is_found() -> None:
    """Where every step costs something, the quickest way out is the best."""
    drives = [drive(*FAST, -1.0), drive(*SLOW, -1.0), drive("out", 20, -1.0, progress=20.0)]
    ranking = Ranking.of(drives, 0.97)
    assert [each.name for each in ranking.paid_failures] == ["out"]
    assert ranking.is_harmful and ranking.verdict.startswith("It pays for failing: out")
    assert any(pair.worse.name == "out" for pair in ranking.wrong_pairs)


def test_a_right_order_has_no_wrong_pairs_and_daring_drives_are_not_judged() -> None:
    drives = [drive("fast", 100, 9.0), drive("slow", 400, 1.0), drive("border", 90, 0.0, is_judged=False)]
    ranking = Ranking.of([*drives, drive("out", 50, 1.0, progress=50.0)], 0.97)
    assert ranking.is_right and ranking.wrong_pairs == [] and ranking.advice == ""
    assert ranking.verdict == "It pays fast laps more than slow ones."
    assert Ranking.of(drives[:1], 0.97).verdict == "There are not enough complete laps to compare."


def test_which_of_two_drives_is_better() -> None:
    fast, slow = drive(*FAST, 0.0), drive(*SLOW, 0.0)
    far, near = (drive("", 50, 0.0, progress=progress) for progress in (60.0, 20.0))
    for better, worse in ((fast, slow), (slow, far), (far, near)):
        assert is_better(better, worse) and not is_better(worse, better)
    assert not is_better(fast, fast)


REWARDS = {
    "def reward_function(params):\n    return params['progress'] / params['steps']": "right",
    "def reward_function(params):\n    return 1.0 - params['distance_from_center']": "wrong",
    "def reward_function(params):\n    return -1.0": "wrong",
}


def test_laps_are_driven_as_their_names_say_and_ranked(ring: Track) -> None:
    courses = reference_courses(ring, 2.0)
    daring = [*filter(is_daring, courses)]
    assert len(courses) >= 12 and len(daring) == 3
    for source, verdict in REWARDS.items():
        function = RewardFunction(source, "reward.py")
        drives = {each.name: each for each in drive_courses(ring, courses, function, daring)}
        ends = {name: each.status for name, each in drives.items()}
        assert {name for name, status in ends.items() if status != "lap_complete"} == {
            "leaves the road half way, 2 m/s", "leaves the road early, 2 m/s",
        }, ends  # fmt: skip
        half_way = drives["leaves the road half way, 2 m/s"].distance_pct
        assert 48.0 < half_way < 70.0
        times = [drives[f"centre line, {speed:g} m/s"].time_s for speed in (2.0, 1.5, 1.0, 0.5)]
        assert times == sorted(times) and times[3] > 3 * times[0]
        assert (Ranking.of([*drives.values()], 0.9).is_right) == (verdict == "right"), source
