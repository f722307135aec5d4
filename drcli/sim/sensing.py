"""What the referee reads off the track for every car: the numbers behind reward parameters, traces and rules.

One kernel fills plain arrays, whose rows become a `Reading`; which rule ends an episode is decided in `race`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car import Array, Bools, CarState
from drcli.sim.geometry import Road, on_road, place, progress_percent
from drcli.sim.kernel import kernel
from drcli.sim.params import IMMOBILE_M, IMMOBILE_STEPS, NOSE_M, WHEELS_M
from drcli.sim.reading import Reading

Ints = npt.NDArray[np.int64]

_REALS = 7  # the fields of Reading up to here are float64, those after it int64
_WHEELS_M = np.array(WHEELS_M)


class RaceState(NamedTuple):
    """What the rules remember of each car: arrays `[K]`."""

    start_ndist: Array
    is_reversed: Bools
    previous_progress: Array
    last_x_m: Array  # the car's origin a step ago
    last_y_m: Array
    still_steps: Ints  # in a row, without moving
    backward_steps: Ints  # in a row, losing progress


def new_race(count: int) -> RaceState:
    """Room for `count` cars."""
    start, progress, x, y = np.zeros((4, count))
    still, backward = np.zeros((2, count), np.int64)
    return RaceState(start, np.zeros(count, np.bool_), progress, x, y, still, backward)


class Readings(NamedTuple):
    """`Reading` of K cars: real numbers `[K, 7]`, whole numbers `[K, 7]`."""

    real: Array
    whole: Ints

    def of(self, k: int) -> Reading:
        """The reading of one car."""
        return Reading(*self.real[k].tolist(), *self.whole[k].tolist())

    def of_all(self) -> list[Reading]:
        """The readings of all cars."""
        return list(map(Reading._make, map(list.__add__, self.real.tolist(), self.whole.tolist())))


def new_readings(count: int) -> Readings:
    """Room for the readings of `count` cars."""
    whole = len(Reading._fields) - _REALS
    return Readings(np.zeros((count, _REALS)), np.zeros((count, whole), np.int64))


@kernel
def sense(
    road: Road,
    cars: CarState,
    race: RaceState,
    reverse_limit: int,
    seen: Bools,
    running: bool,
    out: Readings,
) -> None:
    """Read the cars with `seen` set; standing still and losing progress count only while `running`.

    `reverse_limit`: steps in a row of falling progress that make a car `reversed`.
    """
    for k in range(seen.shape[0]):
        if seen[k]:
            _sense_one(road, cars, race, k, out)
            _count(cars, race, k, running, out.real[k, 5])
            out.whole[k, 5] = race.still_steps[k] >= IMMOBILE_STEPS
            out.whole[k, 6] = race.backward_steps[k] >= reverse_limit
            if out.whole[k, 5]:
                race.still_steps[k] = 0
            if out.whole[k, 6]:
                race.backward_steps[k] = 0


@kernel
def _sense_one(road: Road, cars: CarState, race: RaceState, k: int, out: Readings) -> None:
    x, y, heading = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
    cos, sin = math.cos(heading), math.sin(heading)
    nose_x, nose_y = x + NOSE_M * cos, y + NOSE_M * sin
    spot = place(road, nose_x, nose_y, race.is_reversed[k])
    degrees = math.degrees(heading) % 360.0

    real, whole = out.real[k], out.whole[k]
    real[0], real[1] = nose_x, nose_y
    real[2] = degrees - 360.0 if degrees > 180.0 else degrees
    real[3] = spot.distance_from_center_m
    real[4] = spot.ndist * road.length_m
    real[5] = progress_percent(spot.ndist, race.start_ndist[k], race.previous_progress[k])
    real[6] = spot.track_width_m

    before, after = spot.prev_waypoint, spot.next_waypoint
    whole[0], whole[1] = before, after
    before_m = _waypoint_gap(road, before, race.is_reversed[k], nose_x, nose_y)
    after_m = _waypoint_gap(road, after, race.is_reversed[k], nose_x, nose_y)
    whole[2] = after if after_m < before_m else before
    whole[3] = spot.is_left_of_center
    whole[4] = 0
    for ahead, left in _WHEELS_M:
        whole[4] += on_road(road, x + ahead * cos - left * sin, y + ahead * sin + left * cos)


@kernel
def _waypoint_gap(road: Road, index: int, is_reversed: bool, x: float, y: float) -> float:
    row = road.center.shape[0] - 1 - index if is_reversed else index
    return math.hypot(x - road.center[row, 0], y - road.center[row, 1])


@kernel
def _count(cars: CarState, race: RaceState, k: int, running: bool, progress: float) -> None:
    moved_m = math.hypot(cars.x_m[k] - race.last_x_m[k], cars.y_m[k] - race.last_y_m[k])
    race.last_x_m[k], race.last_y_m[k] = cars.x_m[k], cars.y_m[k]
    race.still_steps[k] = race.still_steps[k] + 1 if running and moved_m <= IMMOBILE_M else 0
    falls = running and progress < race.previous_progress[k]
    race.backward_steps[k] = race.backward_steps[k] + 1 if falls else 0
    race.previous_progress[k] = 0.0 if progress == 100.0 else progress
