"""The marks of an exam, and what a teacher that does not pass is told."""

from __future__ import annotations

import pytest

from drcli.contract.episode import Episode, Status
from drcli.services.shared.protocol import Evaluated
from drcli.services.trainer.methods.marks import Marks, places
from drcli.services.trainer.methods.teaching import _verdict_on_reward


def episode(
    progress: float = 100.0, *, lap_s: float = 8.0, reward: float = 0.0, start: float = 0.0
) -> Episode:
    """A lap, or one that went off the track at `progress`; the clock goes on from episode to episode."""
    status = Status.LAP_COMPLETE if progress == 100.0 else Status.OFF_TRACK
    return Episode(
        car=0, number=0, start_ndist=start, start_time_s=100.0, end_time_s=100.0 + lap_s,
        progress=progress, status=status, reward=reward,
    )  # fmt: skip


def failed(progress: float, start: float, *, is_reversed: bool = False) -> Episode:
    found = episode(progress, start=start)
    found.is_reversed = is_reversed
    return found


def marks(usual: list[Episode], perturbed_laps: int = 0, perturbed_failures: int = 0) -> Marks:
    perturbed = [episode()] * perturbed_laps + [episode(40.0)] * perturbed_failures
    return Marks.of(Evaluated(1, tuple(usual), tuple(perturbed)))


def test_laps_count_and_the_rest_is_a_mean() -> None:
    got = marks([episode(lap_s=8.0, reward=3.0), episode(70.0, lap_s=1.0, reward=1.0)], 4, 2)
    assert got == Marks(
        laps=1, trials=2, perturbed_laps=4, failed=2, progress_pct=85.0, reward=2.0, lap_s=8.0
    )  # fmt: skip


def test_the_time_of_a_lap_is_the_median_of_the_laps() -> None:
    assert marks([episode(lap_s=lap_s) for lap_s in (7.0, 20.0, 8.0)]).lap_s == 8.0
    assert marks([episode(99.0), episode(10.0)]).lap_s is None


@pytest.mark.parametrize(
    ("usual", "failures", "is_pass"),
    [([100.0, 100.0], 0, True), ([100.0, 100.0], 1, False), ([100.0, 99.0], 0, False)],
)
def test_who_passes_drives_all_laps_also_from_perturbed_starts(
    usual: list[float], failures: int, is_pass: bool
) -> None:
    assert marks(list(map(episode, usual)), 15 - failures, failures).is_pass() is is_pass


def test_who_wants_less_than_a_lap_wants_no_laps_from_perturbed_starts() -> None:
    half = [episode(60.0), episode(45.0)]  # 52.5 % on average
    assert marks(half, 0, 1).is_pass(50.0)
    assert not marks(half, 15).is_pass(60.0)
    assert not marks(half, 15).is_pass()


def test_more_laps_are_better_whatever_the_metric() -> None:
    one, two = marks([episode(lap_s=5.0, reward=9.0), episode(99.0)]), marks([episode(), episode()])
    for metric in ("progress", "reward", "laptime"):
        assert two.rank(metric) > one.rank(metric)


def test_among_equals_a_pass_comes_before_the_metric() -> None:
    askew, straight = marks([episode()], 15), marks([episode(lap_s=5.0, reward=9.0)], 3, 1)
    for metric in ("progress", "reward", "laptime"):
        assert askew.rank(metric) > straight.rank(metric)


def test_the_metric_decides_last() -> None:
    quick, rich = marks([episode(lap_s=5.0, reward=1.0)]), marks([episode(lap_s=9.0, reward=4.0)])
    assert quick.rank("laptime") > rich.rank("laptime")
    assert quick.rank("reward") < rich.rank("reward")
    assert quick.rank("progress") == rich.rank("progress")


def test_marks_can_be_read() -> None:
    got = marks([episode(lap_s=7.96), episode(30.0)], 15)
    assert str(got) == "1 of 2 laps, 15 of 15 from perturbed starts, 8.0 s a lap"
    assert str(marks([episode(30.0)], 3, 1)) == "0 of 1 laps, not all from perturbed starts"


def test_episodes_end_where_they_began_and_progress_further() -> None:
    episodes = [failed(25.0, 0.5), failed(25.0, 0.9), episode(100.0, start=0.3), failed(0.0, 0.0)]
    assert places(episodes) == pytest.approx([0.75, 0.15, 0.0])  # a lap ends nowhere


def test_who_drives_against_the_order_of_the_waypoints_ends_before_where_it_began() -> None:
    """A start is counted in the direction of driving: 0.2 of the lap in reverse is at 0.8 of the waypoints."""
    episodes = [failed(25.0, 0.2, is_reversed=True), failed(50.0, 0.7, is_reversed=True)]
    assert places(episodes) == pytest.approx([0.55, 0.8])


def test_a_reward_that_costs_is_told_from_one_for_which_leaving_pays() -> None:
    negative = _verdict_on_reward(step=-1.0, last=-1.0)
    assert "A step earns -1 on average" in negative
    assert "Give more than 0" in negative
    leaving = _verdict_on_reward(step=0.5, last=2.25)
    assert leaving.startswith("The step that ends an episode earns 2.25, others 0.5")
    assert leaving.endswith("leaving pays.")
    assert _verdict_on_reward(step=0.5, last=0.001) == ""
