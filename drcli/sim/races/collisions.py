"""Who touches whom: rectangles on the road, as kernels for one pair and for K cars with M objects each.

A car has hit something as soon as one of its own four corners is inside the other's rectangle, as in the community's
track_geom/track_data.py; a corner of the other inside the car does not count.
"""

from __future__ import annotations

import math

import numpy as np

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Array, Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.kernel import kernel
from drcli.sim.races.object_kinds import CAR_LENGTH_M, CAR_WIDTH_M

_CORNERS = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * np.array([CAR_LENGTH_M / 2, CAR_WIDTH_M / 2])

_REACH_M = (CAR_LENGTH_M + CAR_WIDTH_M) / 2.0  # no corner is farther away


@kernel
def has_hit(
    car: tuple[float, float, float], other: tuple[float, float, float], length_m: float, width_m: float
) -> bool:
    """Whether a car at a pose (x, y, heading of its origin) has a corner inside a rectangle at another pose."""
    reach_m = _REACH_M + (length_m + width_m) / 2.0
    if not (abs(car[0] - other[0]) < reach_m and abs(car[1] - other[1]) < reach_m):
        return False
    cos, sin = math.cos(car[2]), math.sin(car[2])
    for ahead, left in _CORNERS:
        x, y = car[0] + ahead * cos - left * sin, car[1] + ahead * sin + left * cos
        along, aside = seen_from(other, x, y)
        if abs(along) < length_m / 2.0 and abs(aside) < width_m / 2.0:
            return True
    return False


@kernel
def seen_from(pose: tuple[float, float, float], x: float, y: float) -> tuple[float, float]:
    """A point in the frame of a pose: how far ahead and to the left (m)."""
    dx, dy = x - pose[0], y - pose[1]
    cos, sin = math.cos(pose[2]), math.sin(pose[2])
    return dx * cos + dy * sin, dy * cos - dx * sin


@kernel
def is_clear(
    car: tuple[float, float, float],
    other: tuple[float, float, float],
    length_m: float,
    width_m: float,
    margin_m: float,
) -> bool:
    """Whether a car's rectangle and another one are more than a margin apart: one of their sides parts them."""
    turn = other[2] - car[2]
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    half, other_half = (CAR_LENGTH_M / 2, CAR_WIDTH_M / 2), (length_m / 2.0, width_m / 2.0)
    ahead, left = seen_from(car, other[0], other[1])
    other_ahead, other_left = seen_from(other, car[0], car[1])
    return (
        abs(ahead) > half[0] + other_half[0] * cos + other_half[1] * sin + margin_m
        or abs(left) > half[1] + other_half[0] * sin + other_half[1] * cos + margin_m
        or abs(other_ahead) > other_half[0] + half[0] * cos + half[1] * sin + margin_m
        or abs(other_left) > other_half[1] + half[0] * sin + half[1] * cos + margin_m
    )


@kernel
def find_hits(cars: CarState, boxes: Boxes, size_m: tuple[float, float], hits: Bools, ahead_m: Array) -> None:
    """Fill `hits` and `ahead_m`, `[K, M]`: which objects each car has hit, and how far it is ahead of those.

    size_m: length and width of the objects' rectangles. An object that is not placed is never hit.
    """
    for k in range(hits.shape[0]):
        car = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
        for m in range(hits.shape[1]):
            other = boxes.x_m[k, m], boxes.y_m[k, m], boxes.heading_rad[k, m]
            hits[k, m] = has_hit(car, other, size_m[0], size_m[1])
            ahead_m[k, m] = seen_from(other, car[0], car[1])[0] if hits[k, m] else 0.0
