"""Analyses of drives whose results can be computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drcli.config.settings import Settings
from drcli.errors import UsageError
from drcli.paths import Workspace
from drcli.sim.track import Track
from drcli.watch.analysis.comparison import summary_of, summary_of_trials
from drcli.watch.analysis.driven_lines import (
    end_points,
    line_of,
    measured_speed,
    rewards_by_waypoint,
    track_map,
    typical_lines,
)
from drcli.watch.analysis.lap_times import (
    fastest_and_median,
    lap_distribution,
    progress_by_iteration,
    sector_table,
)
from drcli.watch.analysis.turn_actions import actions_by_turn
from drcli.watch.recordings.recorded_episode import RecordedEpisode, episodes_in
from drcli.watch.recordings.recording_sources import opened
from drcli.watch.recordings.step_params import params_at
from drcli.watch.recordings.trace_table import STEP
from drcli.watch.recordings.trials import trial_of_row

RADIUS_M = 2.0  # of the centre line of `ring`


def round_trip(
    mps: float, share: float = 1.0, number: int = 0, iteration: int = 0, status: str = "lap_complete"
) -> RecordedEpisode:
    """Counterclockwise on the centre line of `ring` from its first point at one speed; reward 1 + the waypoint."""
    steps = round(share * 2 * np.pi * RADIUS_M / mps * 15) + 1
    rows = np.zeros(steps, STEP)
    angle = np.linspace(0.0, share * 2 * np.pi, steps)
    rows["episode"], rows["steps"] = number, np.arange(1, steps + 1)
    rows["X"], rows["Y"], rows["yaw"] = (
        RADIUS_M * np.cos(angle),
        RADIUS_M * np.sin(angle),
        np.degrees(angle) + 90,
    )
    rows["progress"] = 100 * angle / (2 * np.pi)
    rows["closest_waypoint"] = np.round(angle / (2 * np.pi) * 120).astype(int) % 120
    rows["reward"] = 1.0 + rows["closest_waypoint"]
    rows["tstamp"] = np.arange(1, steps + 1) / 15
    rows["steer"], rows["throttle"], rows["action"] = 8.0, mps, 2
    rows["episode_status"] = "in_progress"
    rows["episode_status"][0], rows["episode_status"][-1] = "prepare", status
    (episode,) = episodes_in(rows, 0, iteration)
    return episode


LAPS = [round_trip(mps, number=number) for number, mps in enumerate((1.0, 2.0, 1.5))]
FAULT = round_trip(1.0, 0.25, 3, 1, "off_track")


def test_the_map_of_a_track(ring: Track) -> None:
    drawn = track_map(ring)
    assert (drawn.name, drawn.direction, drawn.is_loop) == ("ring", "ccw", True)
    assert drawn.length_m == pytest.approx(2 * np.pi * RADIUS_M, rel=1e-3)


def test_speed_is_measured() -> None:
    assert measured_speed(LAPS[1]) == pytest.approx(2.0, rel=0.02)
    line = line_of(LAPS[1])
    assert len(line.x_m) == len(line.speed_mps) == len(line.reward) == len(LAPS[1].driven)


def test_laps_are_shown_else_what_came_furthest() -> None:
    assert [line.status for line in typical_lines([*LAPS, FAULT])] == ["lap_complete"] * 3
    assert [line.episode for line in typical_lines([FAULT])] == ["1-0-3"]
    assert len(typical_lines(LAPS * 10, most=4)) == 4


def test_ends_are_those_of_faults() -> None:
    (end,) = end_points([*LAPS, FAULT])
    assert (end.episode, end.iteration, end.status) == ("1-0-3", 1, "off_track")
    assert (end.x_m, end.y_m) == pytest.approx((0.0, RADIUS_M), abs=1e-9)
    assert end.progress == pytest.approx(25.0)


def test_rewards_are_those_of_the_nearest_waypoint(ring: Track) -> None:
    found = rewards_by_waypoint(ring, [FAULT])
    seen = found.steps > 0
    assert found.mean[seen] == pytest.approx((1.0 + np.arange(120))[seen])
    assert seen[1:29].all() and not seen[32:].any() and np.isnan(found.mean[60])
    assert np.isnan(rewards_by_waypoint(ring, []).mean).all()


def test_the_distribution_of_lap_times() -> None:
    found = lap_distribution([*LAPS, FAULT])
    assert (found.laps, found.counts.sum()) == (3, 3)
    assert (found.best_s, found.median_s) == (LAPS[1].lap_s, LAPS[2].lap_s)
    assert lap_distribution([FAULT]).best_s is None


def test_progress_by_iteration() -> None:
    first, second = progress_by_iteration([*LAPS, FAULT])
    assert (first.iteration, first.episodes, first.laps, first.progress) == (0, 3, 3, pytest.approx(100))
    assert (second.laps, second.progress, second.best_s) == (0, pytest.approx(25), None)


@pytest.mark.parametrize("sectors", [3, 4, 7])
def test_sectors_of_an_even_lap_are_equal(ring: Track, sectors: int) -> None:
    table = sector_table(ring, [*LAPS, FAULT], sectors)
    assert [lap.episode for lap in table.laps] == ["0-0-1", "0-0-2", "0-0-0"]
    for lap in table.laps:
        assert sum(lap.times_s) == pytest.approx(lap.lap_s)
        assert lap.times_s == pytest.approx([lap.lap_s / sectors] * sectors, abs=0.15)
    assert table.best_s == table.laps[0].times_s
    assert table.ideal_s == pytest.approx(LAPS[1].lap_s)


def test_an_impossible_number_of_sectors_is_refused(ring: Track) -> None:
    with pytest.raises(UsageError, match="2 sectors"):
        sector_table(ring, LAPS, 2)
    assert sector_table(ring, [FAULT], 3).ideal_s is None


def test_the_fastest_lap_against_the_median(ring: Track) -> None:
    fastest, median = fastest_and_median(ring, LAPS)
    assert (fastest.episode, median.episode) == ("0-0-1", "0-0-2")
    assert fastest.speed_mps == pytest.approx(2.0, rel=0.03)
    assert median.speed_mps == pytest.approx(1.5, rel=0.03)
    assert fastest_and_median(ring, [FAULT]) == ()


def test_actions_are_counted_in_turns(block: Track) -> None:
    """Round a block there are corners and straights; a car that drives along the first side stays on the straight."""
    rows = np.zeros(20, STEP)
    rows["X"], rows["closest_waypoint"], rows["tstamp"] = np.linspace(2.0, 4.0, 20), 3, np.arange(20) / 15
    rows["steps"], rows["action"] = np.arange(1, 21), np.arange(20) % 2
    rows["steer"], rows["throttle"] = np.where(rows["action"] == 1, 30.0, -30.0), 2.0
    rows["episode_status"] = "in_progress"
    found = actions_by_turn(block, [*episodes_in(rows)])
    assert found.actions == ((-30.0, 2.0), (30.0, 2.0)) and not found.is_rounded
    used = {
        part.name: counts for part, counts in zip(found.sections, found.counts, strict=True) if sum(counts)
    }
    assert list(used.values()) == [(10, 10)] and next(iter(used)).startswith("straight")
    rows["action"], rows["steer"] = -1, 17.3
    assert actions_by_turn(block, [*episodes_in(rows)]).actions == ((20.0, 2.0),)
    assert actions_by_turn(block, []).actions == ()


def test_params_are_those_of_the_pose(ring: Track) -> None:
    params = params_at(ring, LAPS[0], 30)
    row = LAPS[0].rows[30]
    assert (params["x"], params["y"]) == pytest.approx((row["X"], row["Y"]), abs=1e-6)
    assert (params["progress"], params["speed"], params["steering_angle"]) == (row["progress"], 1.0, 8.0)
    assert params["distance_from_center"] < 0.05 and params["all_wheels_on_track"]
    assert (params["steps"], params["is_reversed"]) == (31.0, False)
    assert params["closest_waypoints"][0] in (row["closest_waypoint"] - 1, row["closest_waypoint"])


def test_trials_together() -> None:
    rows = [
        {"trial": 1, "completion_percentage": 100, "elapsed_time_in_milliseconds": 9000, "reset_count": 2},
        {"trial": 2, "completion_percentage": 50, "elapsed_time_in_milliseconds": 4000, "off_track_count": 1},
    ]
    found = summary_of_trials([trial_of_row(row, None) for row in rows])
    assert (found.trials, found.laps, found.completion, found.best_s) == (2, 1, 75.0, 9.0)
    assert (found.resets, found.off_track, found.crashed) == (2, 1, 0)
    assert summary_of_trials([]).completion is None


def test_a_model_in_one_line(tmp_path: Path) -> None:
    def row(trial: int, episode: int, progress: int, phase: str) -> dict[str, object]:
        return {
            "reward_score": 1, "metric_time": 1, "start_time": 0, "elapsed_time_in_milliseconds": 2000,
            "episode": episode, "trial": trial, "phase": phase, "completion_percentage": progress,
            "episode_status": "Off track",
        }  # fmt: skip

    rows = [
        row(1, 1, 10, "training"),
        row(1, 1, 100, "evaluation"),
        row(1, 2, 5, "training"),
        row(1, 2, 60, "evaluation"),
    ]
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "TrainingMetrics.json").write_text(json.dumps({"metrics": rows}))
    with opened(Settings(), Workspace(tmp_path / "none"), str(tmp_path)) as recording:
        found = summary_of(recording)
    assert (found.iterations, found.episodes, found.best_progress, found.best_iteration) == (2, 2, 100, 0)
    assert (found.best_lap_s, found.evaluations.trials) == (2.0, 0)
