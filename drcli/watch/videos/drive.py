"""Drives as videos show them: moments 1/15 s apart, between the steps that were recorded.

A drive is one trial or a continuous race, of one car or of several that meet. The rows of a trace are what the car
did from a pose on: a pose belongs to the end of the step before it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.contract.episode import Status
from drcli.sim.constants import MAX_SPEED_MPS, NOSE_M, STEP_S
from drcli.watch.recordings.recorded_episode import RecordedEpisode
from drcli.watch.scene import CarLook, Scene, SceneCar
from drcli.watch.videos.box_trail import BoxTrail
from drcli.watch.videos.video_writer import FPS

Array = npt.NDArray[np.float64]

FAULTS = tuple(s.value for s in (Status.CRASHED, Status.OFF_TRACK, Status.IMMOBILIZED, Status.REVERSED))
_STANDING = (Status.PREPARE.value, Status.PAUSE.value)
_FRAME_S = 1.0 / FPS
_FASTEST_MPS = 1.2 * MAX_SPEED_MPS  # a car that moves faster was put there
_CALM_S = 0.3  # how far the view from behind lags
_SMOOTH = np.full(3, 1 / 3)  # speeds are differences of noisy places
_TINY_S = 1e-6


@dataclass(frozen=True)
class Caption:
    """What is written about a car: which lap or trial it drives, the time, how often it failed, and so on.

    label: such as `trial 2/5`; time_s: at the end of the frame; reward: of the present step; fault: why the car stands,
    if it does; best_s: of its laps so far; is_finished: it has driven its last lap.
    """

    look: CarLook
    label: str
    time_s: float
    resets: int
    speed_mps: float
    reward: float
    total_reward: float
    progress: float
    fault: str = ""
    best_s: float | None = None
    is_finished: bool = False


@dataclass(frozen=True)
class Moment:
    """A frame. follow_rad: where the view from behind looks; captions: of all cars, that of the watched one too."""

    scene: Scene
    follow_rad: float
    captions: tuple[Caption, ...]
    watched: int


class _Place(NamedTuple):
    x_m: float
    y_m: float
    heading_rad: float


@dataclass(frozen=True, eq=False)
class FilmedCar:
    """What one car did in a drive: its laps or its trial, one after the other on one clock, and what each is called."""

    look: CarLook
    laps: tuple[RecordedEpisode, ...]
    labels: tuple[str, ...]
    _line: _Line = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_line", _Line.of(self.laps))

    @property
    def began_s(self) -> float:
        """The clock of the trace at the start."""
        return self.laps[0].began_s

    @property
    def time_s(self) -> float:
        """How long it was driven."""
        return float(self.laps[-1].rows["tstamp"][-1]) - self.began_s

    def place(self, time_s: float) -> _Place:
        """Of its origin, at a time since the start."""
        line = self._line
        at, later = line.at(time_s), line.at(time_s) + 1
        if later == len(line.times_s) or line.is_jump[at]:
            return _Place(*line.poses[at].tolist())
        share = (time_s - line.times_s[at]) / max(line.times_s[later] - line.times_s[at], _TINY_S)
        return _Place(*(line.poses[at] + min(share, 1.0) * (line.poses[later] - line.poses[at])).tolist())

    def caption(self, time_s: float) -> Caption:
        """At a time since the start."""
        line = self._line
        at = line.at(min(time_s, self.time_s - _TINY_S))
        number = int(line.lap[at])
        lap = self.laps[number]
        done = [each.time_s for each in self.laps[:number] if each.is_lap]
        return Caption(
            look=self.look,
            label=self.labels[number],
            time_s=min(time_s + _FRAME_S, self.time_s) - (lap.began_s - self.began_s),
            resets=int(line.resets[at]),
            speed_mps=float(line.speeds_mps[at]),
            reward=float(line.rewards[at]),
            total_reward=float(line.totals[at]),
            progress=float(line.progress[at]),
            fault=line.faults[at],
            best_s=min(done) if done else None,
            is_finished=lap.is_lap and time_s + _FRAME_S > self.time_s - _TINY_S,
        )


class _Line(NamedTuple):
    """The steps of a car's laps, `[T]`; poses `[T, 3]`: x, y (m) of its origin and heading (rad), which is not wrapped.

    times_s: when the car was at its poses, since the start.
    """

    times_s: list[float]
    poses: Array
    is_jump: npt.NDArray[np.bool_]  # whether it was put elsewhere after the step
    lap: npt.NDArray[np.int64]
    speeds_mps: Array
    rewards: Array
    totals: Array
    resets: npt.NDArray[np.int64]
    progress: Array
    faults: list[str]

    @classmethod
    def of(cls, laps: Sequence[RecordedEpisode]) -> _Line:
        rows = np.concatenate([lap.rows for lap in laps])
        lap = np.repeat(np.arange(len(laps)), [len(each.rows) for each in laps])
        ends_s = rows["tstamp"] - laps[0].began_s
        times_s = np.concatenate([[0.0], np.maximum.accumulate(ends_s[:-1])])
        heading = np.unwrap(np.radians(rows["yaw"]))
        x_m, y_m = rows["X"] - NOSE_M * np.cos(heading), rows["Y"] - NOSE_M * np.sin(heading)
        moved_m = np.hypot(np.diff(x_m), np.diff(y_m))
        steps_s = np.maximum(np.diff(times_s), _TINY_S)
        is_fault = np.isin(rows["episode_status"], FAULTS)
        is_jump = np.append(is_fault[:-1] | (moved_m > _FASTEST_MPS * np.maximum(steps_s, STEP_S)), True)
        return cls(
            times_s.tolist(),
            np.stack([x_m, y_m, heading], axis=1),
            is_jump,
            lap,
            _speeds(np.append(moved_m / steps_s, 0.0), is_jump, rows["episode_status"]),
            rows["reward"],
            _summed(rows["reward"], lap),
            _summed(is_fault, lap).astype(np.int64),
            rows["progress"],
            _causes(rows["episode_status"].tolist()),
        )

    def at(self, time_s: float) -> int:
        """The step at that time."""
        return max(bisect_right(self.times_s, time_s + _TINY_S) - 1, 0)


def _speeds(speeds: Array, is_jump: npt.NDArray[np.bool_], status: npt.NDArray[np.str_]) -> Array:
    """Smooth, and 0 while a car stands."""
    speeds = speeds.copy()
    for at in np.flatnonzero(is_jump).tolist():
        speeds[at] = speeds[max(at - 1, 0)]
    speeds[np.isin(status, _STANDING)] = 0.0
    if len(speeds) >= len(_SMOOTH):
        inner = np.convolve(np.pad(speeds, 1, mode="edge"), _SMOOTH, mode="valid")
        speeds = np.where(speeds > 0.0, inner, 0.0)
    return speeds


def _summed(values: npt.NDArray[np.generic], lap: npt.NDArray[np.int64]) -> Array:
    """Sums since the start of each lap."""
    total = np.cumsum(np.asarray(values, np.float64))
    before = np.concatenate([[0.0], total])[np.searchsorted(lap, np.unique(lap))]
    return np.asarray(total - before[lap])


def _causes(statuses: Sequence[str]) -> list[str]:
    """The fault of each step; in a pause the one it is for."""
    causes, last = [], ""
    for status in statuses:
        last = status if status in FAULTS else last if status == Status.PAUSE else ""
        causes.append(last.replace("_", " "))
    return causes


@dataclass(frozen=True)
class Drive:
    """One drive of one car, or of several that meet and start together."""

    cars: tuple[FilmedCar, ...]
    boxes: BoxTrail = field(default_factory=BoxTrail)

    @property
    def frames(self) -> int:
        """How many there are until the last car ends."""
        return max(round(max(car.time_s for car in self.cars) * FPS), 1)


def runs_of(laps: Sequence[RecordedEpisode]) -> list[tuple[RecordedEpisode, ...]]:
    """Laps that were driven in one go, together; trials that began at a start line, each alone."""
    runs: list[list[RecordedEpisode]] = []
    for lap in laps:
        before = runs[-1][-1].rows[-1] if runs else None
        if before is not None and lap.began_s == before["tstamp"] and lap.rows["steps"][0] > before["steps"]:
            runs[-1].append(lap)
        else:
            runs.append([lap])
    return [tuple(run) for run in runs]


def trial_labels(first: int, count: int, trials: int) -> tuple[str, ...]:
    """What `count` trials are called of which the first has that number."""
    return tuple(f"trial {number}/{trials}" for number in range(first, first + count))


def moments(drives: Sequence[Drive], watched: int = 0) -> Iterator[Moment]:
    """All frames of drives that follow each other, with cameras on the car in the place `watched`, or on another one
    once that has finished.
    """
    camera = _Follower()
    for drive in drives:
        for number in range(drive.frames):
            time_s = number * _FRAME_S
            driving = [i for i, car in enumerate(drive.cars) if time_s < car.time_s - _TINY_S] or [watched]
            chosen = watched if watched in driving else driving[0]
            cars = [_scene_car(drive.cars[i], time_s) for i in driving]
            at = driving.index(chosen)
            boxes = drive.boxes.at(drive.cars[chosen].began_s + time_s)
            yield Moment(
                Scene(tuple(cars), boxes, at),
                camera.follow(cars[at]),
                tuple(car.caption(time_s) for car in drive.cars),
                chosen,
            )


def _scene_car(car: FilmedCar, time_s: float) -> SceneCar:
    place, look = car.place(time_s), car.look
    return SceneCar(place.x_m, place.y_m, place.heading_rad, look.color, look.shell, look.name)


class _Follower:
    """The direction of a camera that follows a car calmly."""

    def __init__(self) -> None:
        self._at: tuple[float, float] | None = None
        self._heading_rad = 0.0

    def follow(self, car: SceneCar) -> float:
        here = car.x_m, car.y_m
        if self._at is None or math.dist(here, self._at) > _FASTEST_MPS * _FRAME_S:
            self._heading_rad = car.heading_rad
        turn = math.remainder(car.heading_rad - self._heading_rad, math.tau)
        self._heading_rad += turn * (1.0 - math.exp(-_FRAME_S / _CALM_S))
        self._at = here
        return self._heading_rad
