"""Starts, verdicts and records, rule by rule, on readings made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from drcli.sim import race
from drcli.sim.race import Episode, Lap, RaceConfig, Referee, Status, TraceRow
from drcli.sim.reading import Action, Reading

FINE = Reading(1.0, 2.0, 30.0, 0.1, 5.0, 25.0, 1.0, 4, 5, 5, 1, 4, 0, 0)
OFF = FINE._replace(wheels_on_road=0)
STUCK, BACK = FINE._replace(is_immobilized=1), FINE._replace(is_driving_back=1)
HOME = FINE._replace(progress=100.0)
ACTION = Action(-45.0, 5.5, 3)


def referee(**config: Any) -> Referee:
    return Referee(RaceConfig(**config), Episode(0, 7, 0.35, 100.0), 17.71)


def drive(judge: Referee, *readings: Reading, reward: float = 0.5) -> list[race.Verdict]:
    """Judge and record one step after another, a second each."""
    verdicts = []
    for at in readings:
        verdicts.append(judge.judge(at))
        judge.record(at, ACTION, verdicts[-1], reward, 100.0 + judge.steps)
    return verdicts


def test_round_robin_advances_from_the_offset() -> None:
    config = RaceConfig(start_position_offset=0.9, round_robin_advance_dist=0.05)
    assert [config.start_ndist(n) for n in (0, 1, 2, 3)] == pytest.approx([0.9, 0.95, 0.0, 0.05])
    fixed = RaceConfig(start_position_offset=0.2, change_start_position=False)
    assert {fixed.start_ndist(n) for n in range(9)} == {0.2}


def test_directions_alternate_from_the_first_one() -> None:
    assert not any(RaceConfig().is_reversed(n) for n in range(4))
    assert all(RaceConfig(reverse_dir=True).is_reversed(n) for n in range(4))
    both = RaceConfig(alternate_driving_direction=True)
    assert [both.is_reversed(n) for n in range(4)] == [False, True, False, True]
    other = RaceConfig(alternate_driving_direction=True, reverse_dir=True)
    assert [other.is_reversed(n) for n in range(4)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (FINE, "in_progress"),
        (OFF, "off_track"),
        (STUCK, "immobilized"),
        (BACK, "reversed"),
        (HOME, "lap_complete"),
        (OFF._replace(is_immobilized=1, is_driving_back=1), "off_track"),
        (STUCK._replace(is_driving_back=1), "immobilized"),
        (OFF._replace(progress=100.0), "lap_complete"),
        (FINE._replace(wheels_on_road=1), "in_progress"),
    ],
)
def test_the_first_rule_that_holds_gives_the_status(at: Reading, status: str) -> None:
    verdict = referee().judge(at)
    assert (verdict.status, verdict.done) == (status, status != "in_progress")
    assert not verdict.truncated


def test_the_step_cap_truncates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "MAX_STEPS", 3)
    verdicts = drive(judge := referee(), FINE, FINE, FINE)
    assert [verdict.truncated for verdict in verdicts] == [False, False, True]
    assert not verdicts[-1].terminated
    assert judge.episode.rows[-1].done
    assert judge.episode.status is Status.IN_PROGRESS


def test_faults_are_forgiven_as_often_as_the_race_allows() -> None:
    judge = referee(number_of_resets=2, off_track_penalty_s=2.0, collision_penalty_s=5.0)
    verdicts = drive(judge, FINE, OFF, FINE, STUCK, BACK)
    assert [verdict.pause_s for verdict in verdicts] == [-1.0, 2.0, -1.0, 0.0, -1.0]
    assert [verdict.terminated for verdict in verdicts] == [False, False, False, False, True]
    assert [row.pause_duration for row in judge.episode.rows] == [0.0, 2.0, 0.0, 0.0, 0.0]
    (lap,) = judge.episode.laps
    assert (lap.off_track_count, lap.immobilized_count, lap.reversed_count, lap.crash_count) == (1, 1, 1, 0)
    assert lap.reset_count == 3
    assert lap.status == Status.REVERSED


def test_a_waiting_car_makes_no_mistakes_but_may_finish() -> None:
    judge = referee(number_of_resets=1)
    assert judge.judge(OFF, Status.PAUSE).status is Status.PAUSE
    assert judge.judge(STUCK, Status.PREPARE).status is Status.PREPARE
    assert judge.judge(HOME, Status.PAUSE).terminated


def test_a_row_has_the_columns_of_the_simtrace_in_order() -> None:
    columns = (
        "episode,steps,X,Y,yaw,steer,throttle,action,reward,done,all_wheels_on_track,progress,"
        "closest_waypoint,track_len,tstamp,episode_status,pause_duration,obstacle_crash_counter,wall_clock"
    )
    assert ",".join(TraceRow._fields) == columns
    drive(judge := referee(), FINE)
    *row, wall_clock = judge.episode.rows[0]
    assert row == [
        *(7, 1.0, 1.0, 2.0, 30.0, -45.0, 5.5, 3, 0.5, False, True, 25.0, 5, 17.71, 101.0),
        *("in_progress", 0.0, 0),
    ]
    assert wall_clock > 1e9
    assert ",".join(map(str, row[7:11])) == "3,0.5,False,True"


def test_the_prepare_row_shows_the_first_action() -> None:
    judge = referee()
    prepared = judge.judge(FINE, Status.PREPARE)
    judge.record(FINE, Action(0.0, 0.0, 0), prepared, 0.0, 101.0)
    drive(judge, FINE, FINE)
    assert [(row.steer, row.throttle, row.action) for row in judge.episode.rows] == [(-45.0, 5.5, 3)] * 3
    assert [row.episode_status for row in judge.episode.rows] == ["prepare", "in_progress", "in_progress"]
    assert [row.steps for row in judge.episode.rows] == [1.0, 2.0, 3.0]


def test_an_episode_sums_its_rewards_and_ends_with_a_lap() -> None:
    drive(judge := referee(), FINE, FINE, OFF._replace(progress=33.7))
    episode = judge.episode
    assert (episode.reward, episode.progress, episode.status) == (1.5, 33.7, "off_track")
    assert (episode.start_time_s, episode.end_time_s) == (100.0, 103.0)
    assert episode.laps == [Lap(100.0, 33, 103.0, Status.OFF_TRACK, off_track_count=1)]
    assert episode.laps[0].elapsed_s == 3.0


def test_a_continuous_race_chains_laps() -> None:
    judge = referee(is_continuous=True, number_of_trials=2, number_of_resets=9)
    verdicts = drive(judge, FINE, OFF, HOME, FINE, HOME)
    assert [verdict.terminated for verdict in verdicts] == [False, False, False, False, True]
    assert verdicts[2].status is Status.IN_PROGRESS
    first, second = judge.episode.laps
    assert (first.status, first.elapsed_s, first.off_track_count) == (Status.IN_PROGRESS, 3.0, 1)
    assert (second.status, second.elapsed_s, second.off_track_count) == (Status.LAP_COMPLETE, 2.0, 0)
    assert [row.episode for row in judge.episode.rows] == [7, 7, 7, 8, 8]


def test_labels_are_those_of_the_metrics() -> None:
    assert [status.label for status in Status] == [
        *(
            "Prepare",
            "In progress",
            "Pause",
            "Lap complete",
            "Crashed",
            "Off track",
            "Immobilized",
            "Reversed",
        )
    ]
