"""The rules of a race: where cars start, what ends an episode, what a fault costs; and the records of it.

Written for one car at a time; `World` drives the cars. Definitions are those of the community's simapp.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from drcli.sim.params import MAX_STEPS
from drcli.sim.reading import Action, Reading


class Status(StrEnum):
    """How an episode stands; the value is what traces say, `label` what metrics say."""

    PREPARE = "prepare"
    IN_PROGRESS = "in_progress"
    PAUSE = "pause"
    LAP_COMPLETE = "lap_complete"
    CRASHED = "crashed"
    OFF_TRACK = "off_track"
    IMMOBILIZED = "immobilized"
    REVERSED = "reversed"

    @property
    def label(self) -> str:
        """As in the metrics files: `Off track`."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True)
class RaceConfig:
    """The settings of a race; the defaults are those of training a time trial."""

    start_position_offset: float = 0.0  # share of the lap, as the next
    round_robin_advance_dist: float = 0.05
    change_start_position: bool = True
    alternate_driving_direction: bool = False
    reverse_dir: bool = False
    number_of_resets: int = 0
    off_track_penalty_s: float = 0.0
    collision_penalty_s: float = 0.0
    number_of_reverse_counts: int = 15
    is_continuous: bool = False
    number_of_trials: int = 1
    spread_starts: bool = False

    def start_ndist(self, episode: int) -> float:
        """Where an episode starts, as a share of the lap: round robin."""
        advance = self.round_robin_advance_dist * episode if self.change_start_position else 0.0
        return (self.start_position_offset + advance) % 1.0

    def is_reversed(self, episode: int) -> bool:
        """Whether an episode is driven against the track's order."""
        return self.reverse_dir != (self.alternate_driving_direction and episode % 2 == 1)


class TraceRow(NamedTuple):
    """A line of the simtrace; in a file the columns are called by these names."""

    episode: int
    steps: float
    X: float
    Y: float
    yaw: float
    steer: float
    throttle: float
    action: int | str
    reward: float
    done: bool
    all_wheels_on_track: bool
    progress: float
    closest_waypoint: int
    track_len: float
    tstamp: float  # s of simulated time, after the step
    episode_status: str
    pause_duration: float
    obstacle_crash_counter: int
    wall_clock: float  # s since 1970


@dataclass
class Lap:
    """A lap, or the part of it that was driven; `status` is In progress for all but the last."""

    start_time_s: float
    completion_percentage: int = 0
    end_time_s: float = 0.0
    status: Status = Status.IN_PROGRESS
    crash_count: int = 0
    immobilized_count: int = 0
    off_track_count: int = 0
    reversed_count: int = 0

    @property
    def elapsed_s(self) -> float:
        """Simulated time from the reset, the prepare step included, to the end of the last step."""
        return self.end_time_s - self.start_time_s

    @property
    def reset_count(self) -> int:
        """All faults."""
        return self.crash_count + self.immobilized_count + self.off_track_count + self.reversed_count

    def count(self, status: Status) -> None:
        """Note a fault."""
        if status is Status.CRASHED:
            self.crash_count += 1
        elif status is Status.IMMOBILIZED:
            self.immobilized_count += 1
        elif status is Status.OFF_TRACK:
            self.off_track_count += 1
        elif status is Status.REVERSED:
            self.reversed_count += 1


@dataclass
class Episode:
    """What one car did from reset to end; `progress` and `status` are those of the last row."""

    car: int
    number: int
    start_ndist: float
    start_time_s: float
    is_reversed: bool = False
    reward: float = 0.0
    progress: float = 0.0
    status: Status = Status.PREPARE
    end_time_s: float = 0.0
    rows: list[TraceRow] = field(default_factory=list)
    laps: list[Lap] = field(default_factory=list)


class Verdict(NamedTuple):
    """What the referee says about a step."""

    status: Status
    terminated: bool = False
    truncated: bool = False
    pause_s: float = -1.0  # not negative: the car is put back on the road and waits so long

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self.terminated or self.truncated


_GO_ON = Verdict(Status.IN_PROGRESS)


class Referee:
    """Judges one car through one episode and keeps its record. Every step: first `judge`, then `record`."""

    def __init__(self, config: RaceConfig, episode: Episode, track_length_m: float) -> None:
        self.episode = episode
        self.steps = 0
        self.recent: deque[Reading] = deque(maxlen=2)  # of the last two steps on record
        self._config = config
        self._length_m = track_length_m
        self._resets = 0
        self._number = episode.number
        self._lap = Lap(episode.start_time_s)

    def judge(self, at: Reading, phase: Status = Status.IN_PROGRESS) -> Verdict:
        """The verdict on a step; in the phases PREPARE and PAUSE the car stands and makes no mistakes."""
        self.steps += 1
        if at.progress >= 100.0 and len(self.episode.laps) + 1 >= self._laps:
            return Verdict(Status.LAP_COMPLETE, terminated=True)
        if phase is not Status.IN_PROGRESS:
            return Verdict(phase)
        if at.wheels_on_road and not at.is_immobilized and not at.is_driving_back:
            return Verdict(phase, truncated=True) if self.steps >= MAX_STEPS else _GO_ON
        status = _fault(at)
        if self._resets >= self._config.number_of_resets:
            return Verdict(status, terminated=True)
        self._resets += 1
        return Verdict(status, pause_s=self._penalty_s(status))

    def record(
        self,
        at: Reading,
        action: Action,
        verdict: Verdict,
        reward: float,
        time_s: float,
        pause_s: float = 0.0,
    ) -> None:
        """Write the row of a judged step that ended at the simulated `time_s`; close the lap it completes."""
        episode, status = self.episode, verdict.status
        if len(episode.rows) == 1:  # the prepare step shows the action of the driver, too
            episode.rows[0] = episode.rows[0]._replace(
                steer=action.steering_deg, throttle=action.speed_mps, action=action.label
            )
        episode.rows.append(
            TraceRow(
                self._number,
                float(self.steps),
                at.x_m,
                at.y_m,
                at.heading_deg,
                action.steering_deg,
                action.speed_mps,
                action.label,
                reward,
                verdict.terminated or verdict.truncated,
                at.wheels_on_road == 4,
                at.progress,
                at.closest_waypoint,
                self._length_m,
                time_s,
                status.value,
                max(verdict.pause_s, pause_s),
                0,
                time.time(),
            )
        )
        self.recent.append(at)
        episode.reward += reward
        if status is not Status.IN_PROGRESS:
            self._lap.count(status)
        if verdict.done or at.progress >= 100.0:
            self._close_lap(at, verdict, time_s)

    @property
    def _laps(self) -> int:
        return self._config.number_of_trials if self._config.is_continuous else 1

    def _penalty_s(self, status: Status) -> float:
        if status is Status.IMMOBILIZED:
            return 0.0
        config = self._config
        return config.collision_penalty_s if status is Status.CRASHED else config.off_track_penalty_s

    def _close_lap(self, at: Reading, verdict: Verdict, time_s: float) -> None:
        episode, lap = self.episode, self._lap
        lap.end_time_s = time_s
        lap.completion_percentage = int(at.progress)
        lap.status = verdict.status
        episode.laps.append(lap)
        episode.progress, episode.status, episode.end_time_s = at.progress, verdict.status, time_s
        self._lap = Lap(time_s)
        self._number += 1


def _fault(at: Reading) -> Status:
    if at.is_offtrack:
        return Status.OFF_TRACK
    return Status.IMMOBILIZED if at.is_immobilized else Status.REVERSED
