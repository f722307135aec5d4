"""Poses in a CSV file, such as a trace, and what the front camera sees there. Called by `dr tracks frames`."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError
from drcli.sim.car_arrays import Array
from drcli.sim.car_generations import car_of
from drcli.sim.constants import MAX_SPEED_MPS, NOSE_M, STEP_S
from drcli.sim.track import Pose, Track

PICTURE_DELAY_S = 0.03  # by which simapp's picture is older than the pose in its row: docs/simulator.md
_COLUMNS, _OPTIONAL = ("X", "Y", "yaw"), ("tstamp", "steer", "throttle")
_MAX_STEP_S, _MAX_TURN_RAD, _STILL_M = 0.2, 0.5, 0.002  # rows farther apart are not steps of a drive
_SHARE_OF_STEPS = 0.8
_MAX_MPS = 1.1 * MAX_SPEED_MPS
_BATCH = 32  # pictures


class _Row(NamedTuple):
    x_m: float  # of the nose
    y_m: float
    heading_rad: float
    clock_s: float  # NaN: unknown, as below
    steering_rad: float  # commanded
    speed_mps: float


def read_poses(path: Path, *, delay_s: float = PICTURE_DELAY_S) -> list[Pose]:
    """The poses of the car's nose in a CSV file with the columns X, Y (m) and yaw (degrees).

    A pose is taken `delay_s` back along the way, as far as the file tells it.

    Raises:
        DrError: the file cannot be read, lacks a column or a row, or a value is not a number.
    """
    rows = _read_rows(path)
    if all(math.isnan(row.clock_s) for row in rows):
        rows = _timed(rows)
    before = [None, *rows[:-1]]
    return [_pose_before(row, last, delay_s) for row, last in zip(rows, before, strict=True)]


def parse_pose(text: str) -> Pose:
    """The pose `X,Y,YAW` of the car's nose: metres and degrees. Raises ValueError."""
    values = [float(part) for part in text.split(",")]
    if len(values) != len(_COLUMNS) or not all(map(math.isfinite, values)):
        raise ValueError(text)
    return values[0], values[1], math.radians(values[2])


def pictures_at(track: Track, poses: list[Pose]) -> Iterator[npt.NDArray[np.uint8]]:
    """What the front camera of a car sees whose nose is at each of the poses: grey, `[height, width]`."""
    from drcli.sim.car_dynamics import new_cars, put
    from drcli.sim.sensors.front_camera import FrontCamera

    camera = FrontCamera(track)
    for first in range(0, len(poses), _BATCH):
        batch = poses[first : first + _BATCH]
        cars = new_cars(len(batch))
        for car, (x_m, y_m, heading_rad) in enumerate(batch):
            behind_x_m, behind_y_m = NOSE_M * math.cos(heading_rad), NOSE_M * math.sin(heading_rad)
            put(cars, car, x_m - behind_x_m, y_m - behind_y_m, heading_rad)
        yield from camera.pictures(cars)


def _read_rows(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DrError(
                    f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.",
                    "Its first line has to name the columns: X and Y of the car's nose (m), and yaw (degrees).",
                )
            rows = [_row(f"{path}, line {reader.line_num}", values) for values in reader]
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.", "Check the path.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DrError(f"{path} is not a CSV file: {error}.", "It has to be text in UTF-8.") from None
    if not rows:
        raise DrError(f"{path} has no poses.", "Add one line for each pose below the names of the columns.")
    return rows


def _row(where: str, values: Mapping[str, str | None]) -> _Row:
    x, y, yaw = (_number(where, name, values[name]) for name in _COLUMNS)
    clock_s, steering_deg, speed_mps = (_finite(values.get(name)) for name in _OPTIONAL)
    return _Row(x, y, math.radians(yaw), clock_s, math.radians(steering_deg), speed_mps)


def _number(where: str, name: str, text: str | None) -> float:
    value = _finite(text)
    if math.isnan(value):
        raise DrError(
            f"{where}: {name} is {repr(text) if text else 'empty'}, not a number.", "Correct this line."
        )
    return value


def _finite(text: str | None) -> float:
    """The number that a text says, or NaN."""
    try:
        value = float(text or "")
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _pose_before(row: _Row, last: _Row | None, delay_s: float) -> Pose:
    """Where the nose was `delay_s` before a row: if it has been put elsewhere since the row before, still there."""
    way, seconds = _way(row, last)
    is_step = 0.0 < seconds <= _MAX_STEP_S
    if last is not None and is_step and delay_s and math.hypot(way[0], way[1]) > _MAX_MPS * seconds:
        return _as_pose(np.array(last[:3]))
    return _as_pose(np.array(row[:3]) - (way / seconds if is_step else _commanded(row)) * delay_s)


def _way(row: _Row, last: _Row | None) -> tuple[Array, float]:
    """How far x, y (m) and heading (rad) are from the row before, and the seconds between; NaN if that is unknown."""
    if last is None:
        return np.zeros(3), math.nan
    x, y, turn, seconds = np.array(row[:4]) - np.array(last[:4])
    turn = (turn + math.pi) % (2.0 * math.pi) - math.pi
    return np.array([x, y, turn]), float(seconds)


def _commanded(row: _Row) -> Array:
    """How fast x, y (m/s) and heading (rad/s) change by what a row commands; 0 if it commands nothing."""
    if math.isnan(row.speed_mps) or math.isnan(row.steering_rad):
        return np.zeros(3)
    speed = min(max(row.speed_mps, 0.0), MAX_SPEED_MPS)
    turning = speed * math.tan(row.steering_rad) / car_of(RaceSettings()).wheelbase_m
    return np.array([speed * math.cos(row.heading_rad), speed * math.sin(row.heading_rad), turning])


def _timed(rows: list[_Row]) -> list[_Row]:
    """The rows of a file without times: one every 1/15 s if a car may have driven most of them like that."""
    steps = [_is_step(_way(row, last)[0], last.heading_rad) for last, row in pairwise(rows)]
    if not steps or sum(steps) < _SHARE_OF_STEPS * len(steps):
        return rows
    return [row._replace(clock_s=number * STEP_S) for number, row in enumerate(rows)]


def _is_step(way: Array, heading_rad: float) -> bool:
    """Whether a car may have moved like that in a step: ahead, not too far, not too much to the side; or not at all."""
    x_m, y_m, turn = (float(value) for value in way)
    ahead_m = x_m * math.cos(heading_rad) + y_m * math.sin(heading_rad)
    aside_m = y_m * math.cos(heading_rad) - x_m * math.sin(heading_rad)
    return abs(aside_m) <= ahead_m + _STILL_M <= MAX_SPEED_MPS * STEP_S and abs(turn) <= _MAX_TURN_RAD


def _as_pose(values: Array) -> Pose:
    x, y, heading = values.tolist()
    return x, y, heading
