"""Rows and laps of an episode, from steps made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode, Lap, Status, TraceRow
from drcli.sim.car_arrays import new_arrays
from drcli.sim.episode_records import EpisodeRecords
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.step import Step
from drcli.sim.telemetry import Telemetry
from drcli.sim.verdicts import Referee

ONE = np.ones(1, np.bool_)
FINE, OFF, CRASH = Status.IN_PROGRESS, Status.OFF_TRACK, Status.CRASHED


class Drive:
    """One car in episode 7, which begins at 100 s; each step takes a second and earns half a point."""

    def __init__(self, *, rows: bool = True, **settings: Any) -> None:
        self.records = EpisodeRecords(1, 17.71, rows=rows)
        self.referee = Referee(RaceSettings(**settings), 1)
        self.records.begin(0, EpisodeStart(7, 0.35, False, 0), 100.0)

    @property
    def episode(self) -> Episode:
        return self.records.episodes[0]

    def step(self, fault: Status = FINE, progress: float = 25.0, **parts: Any) -> None:
        at = new_arrays(Telemetry, 1)
        at.x_m[:], at.y_m[:], at.heading_deg[:], at.progress[:] = 1.0, 2.0, 30.0, progress
        at.closest_waypoint[:], at.wheels_on_road[:] = 5, 4
        verdicts = self.referee.judge(at.progress, np.array([fault.code], np.int8), ONE)
        counts = self.referee.counts
        actions, labels = np.array([[-45.0, 5.5]]), parts.get("labels", [3])
        step = Step([0], at, actions, labels, counts.steps, 100.0 + counts.steps, 99.0 + counts.steps)
        self.records.add(step, verdicts, [0.5], [parts.get("pause_s", 0.0)])

    def prepare(self) -> None:
        at = new_arrays(Telemetry, 1)
        verdicts = self.referee.wait(at.progress, Status.PREPARE, ONE)
        counts = self.referee.counts
        step = Step([0], at, np.zeros((1, 2)), [0], counts.steps, 100.0 + counts.steps, 99.0 + counts.steps)
        self.records.add(step, verdicts, [0.0], [0.0])


def test_a_row_has_the_columns_of_the_simtrace_in_order() -> None:
    columns = (
        "episode,steps,X,Y,yaw,steer,throttle,action,reward,done,all_wheels_on_track,progress,"
        "closest_waypoint,track_len,tstamp,episode_status,pause_duration,obstacle_crash_counter,wall_clock"
    )
    assert ",".join(TraceRow._fields) == columns
    drive = Drive()
    drive.step()
    *row, wall_clock = drive.episode.rows[0]
    assert row == [
        *(7, 1.0, 1.0, 2.0, 30.0, -45.0, 5.5, 3, 0.5, False, True, 25.0, 5, 17.71, 101.0),
        *("in_progress", 0.0, 0),
    ]
    assert wall_clock > 1e9
    assert ",".join(map(str, row[7:11])) == "3,0.5,False,True"


def test_an_action_without_a_name_is_called_by_what_it_asks_for() -> None:
    drive = Drive()
    drive.step(labels=None)
    assert drive.episode.rows[0].action == "[-45.0 5.5]"


def test_the_prepare_row_shows_the_first_action() -> None:
    drive = Drive()
    drive.prepare()
    drive.step()
    drive.step()
    rows = drive.episode.rows
    assert [(row.steer, row.throttle, row.action) for row in rows] == [(-45.0, 5.5, 3)] * 3
    assert [row.episode_status for row in rows] == ["prepare", "in_progress", "in_progress"]
    assert [row.steps for row in rows] == [1.0, 2.0, 3.0]


def test_crashes_are_counted_in_the_trace() -> None:
    drive = Drive(number_of_resets=9)
    for fault in (FINE, CRASH, FINE, CRASH, OFF):
        drive.step(fault, pause_s=float(fault is not FINE))
    assert [row.obstacle_crash_counter for row in drive.episode.rows] == [0, 1, 1, 2, 2]
    assert [row.pause_duration for row in drive.episode.rows] == [0.0, 1.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("rows", [True, False])
def test_an_episode_sums_its_rewards_and_ends_with_a_lap(rows: bool) -> None:
    drive = Drive(rows=rows)
    drive.step()
    drive.step()
    drive.step(OFF, progress=33.7)
    episode = drive.episode
    assert (episode.reward, episode.progress, episode.status) == (1.5, 33.7, "off_track")
    assert (episode.start_time_s, episode.end_time_s) == (100.0, 103.0)
    assert episode.laps == [Lap(100.0, 33, 103.0, Status.OFF_TRACK, off_track_count=1)]
    assert episode.laps[0].elapsed_s == 3.0
    assert len(episode.rows) == (3 if rows else 0)
    assert not rows or episode.rows[-1].done


def test_a_continuous_race_has_a_lap_for_each_time_round() -> None:
    drive = Drive(is_continuous=True, number_of_trials=2, number_of_resets=9)
    for fault, progress in ((FINE, 25.0), (OFF, 25.0), (FINE, 100.0), (FINE, 25.0), (FINE, 100.0)):
        drive.step(fault, progress)
    first, second = drive.episode.laps
    assert (first.status, first.elapsed_s, first.off_track_count) == (Status.IN_PROGRESS, 3.0, 1)
    assert (second.status, second.elapsed_s, second.off_track_count) == (Status.LAP_COMPLETE, 2.0, 0)
    assert [row.episode for row in drive.episode.rows] == [7, 7, 7, 8, 8]
    assert drive.episode.reward == 2.5


def test_every_kind_of_fault_is_counted() -> None:
    drive = Drive(number_of_resets=3)
    for fault in (CRASH, OFF, Status.IMMOBILIZED, Status.REVERSED):
        drive.step(fault)
    (lap,) = drive.episode.laps
    assert (lap.crash_count, lap.off_track_count, lap.immobilized_count, lap.reversed_count) == (1, 1, 1, 1)
    assert (lap.reset_count, lap.status) == (4, Status.REVERSED)


def test_labels_are_those_of_the_metrics() -> None:
    assert [status.label for status in Status] == [
        *("Prepare", "In progress", "Pause", "Lap complete"),
        *("Crashed", "Off track", "Immobilized", "Reversed"),
    ]
