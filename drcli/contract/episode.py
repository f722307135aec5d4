"""The record of an episode, shared by simulator, services and bucket: its status, its laps, the rows of its trace.

Definitions follow the community's simapp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """The status of an episode; traces contain its value, metrics its `label`."""

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

    @property
    def code(self) -> int:
        """Its number in arrays. Numbers from that of CRASHED on are faults."""
        return STATUSES.index(self)


STATUSES = tuple(Status)  # by code


class TraceRow(NamedTuple):
    """A line of the simtrace; the file's columns have these names."""

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
        """The number of all faults."""
        return self.crash_count + self.immobilized_count + self.off_track_count + self.reversed_count

    def count(self, status: Status) -> None:
        """Count a fault."""
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

    @property
    def is_lap(self) -> bool:
        """Whether it ended with a complete lap."""
        return self.status is Status.LAP_COMPLETE
