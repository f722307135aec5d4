"""A driver without a model: cars that follow given lines at given speeds, by pure pursuit of a point ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from drcli.sim.car_arrays import Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import MAX_STEERING_DEG, CarParams
from drcli.sim.racing_line import POINT_M
from drcli.sim.track import Array

_LOOK_BACK, _LOOK_ON = 10, 60  # points around the last one among which the nearest is looked for
_AHEAD_M, _AHEAD_S = (
    0.25,
    0.12,
)  # where a car aims: the further the faster, and the further it is from its line
_LAG_S = 0.16  # until steering and speed follow a command
_MOST_TURN_RAD = 0.5
_WHEELBASE_M = CarParams().wheelbase_m


class Course(NamedTuple):
    """A closed line `[M, 2]` every 2 cm (m), and the speed to drive at each of its points `[M]` (m/s)."""

    line: Array
    speeds_mps: Array


class Pursuit:
    """Drives K cars, each on its own course; they start near the first point."""

    def __init__(self, courses: Sequence[Course]) -> None:
        self._courses = courses
        self._at = [0] * len(courses)

    def actions(self, cars: CarState, active: Bools) -> Array:
        """`[K, 2]`: steering (degrees, + is left) and speed (m/s), for `World.step`; 0 for cars that are not active."""
        actions = np.zeros((len(self._courses), 2))
        for k in active.nonzero()[0].tolist():
            actions[k] = self._action(k, cars)
        return actions

    def _action(self, k: int, cars: CarState) -> tuple[float, float]:
        line, speeds = self._courses[k]
        now_mps, heading = float(cars.speed_mps[k]), float(cars.heading_rad[k])
        # Where it will be when the wheels have turned.
        ahead_m = now_mps * _LAG_S
        turning = ahead_m * math.tan(cars.steering_rad[k]) / _WHEELBASE_M
        heading += min(max(turning, -_MOST_TURN_RAD), _MOST_TURN_RAD)
        x = float(cars.x_m[k]) + ahead_m * math.cos(heading)
        y = float(cars.y_m[k]) + ahead_m * math.sin(heading)

        near = (self._at[k] + np.arange(-_LOOK_BACK, _LOOK_ON)) % len(line)
        gaps = np.hypot(*(line[near] - (x, y)).T)
        self._at[k] = here = int(near[gaps.argmin()])
        aim_m = _AHEAD_M + _AHEAD_S * now_mps + float(gaps.min())
        aim = line[(here + int(aim_m / POINT_M)) % len(line)] - (x, y)
        turn = math.remainder(math.atan2(aim[1], aim[0]) - heading, math.tau)
        steering = math.degrees(math.atan(2.0 * _WHEELBASE_M * math.sin(turn) / max(math.hypot(*aim), 0.05)))
        return min(max(steering, -MAX_STEERING_DEG), MAX_STEERING_DEG), float(speeds[here])
