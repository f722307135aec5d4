"""The kernel of the lidar: how far each of its rays goes until it meets the wall or a box."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Array, Bools, Ints
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import LidarParams
from drcli.sim.field import Field
from drcli.sim.kernel import kernel

Floats = npt.NDArray[np.float32]
_MIX, _ADD, _MASK = 1103515245, 12345, 0x7FFFFFFF  # a linear congruential generator


@kernel
def scan(
    lidar: LidarParams,
    field: Field,
    boxes: Boxes,
    cars: CarState,
    draws: tuple[Floats, Ints, Ints],
    scanning: Bools,
    distances: Array,
) -> None:
    """Measure around the cars with `scanning` set: `distances` is `[K, rays]` in metres.

    draws: normally distributed numbers, and for each car what says which of them it gets: a seed and a count.
    """
    noise, seeds, counts = draws
    for k in range(scanning.shape[0]):
        if scanning[k]:
            cos, sin = math.cos(cars.heading_rad[k]), math.sin(cars.heading_rad[k])
            x, y = cars.x_m[k] + lidar.forward_m * cos, cars.y_m[k] + lidar.forward_m * sin
            first = _place(noise.shape[0] - lidar.rays, seeds[k], counts[k])
            for ray in range(lidar.rays):
                side = (2.0 * ray / (lidar.rays - 1) - 1.0) * lidar.half_view_rad
                turn = cars.heading_rad[k] + math.pi + side
                free_m = _free_m(lidar, field, boxes, k, (x, y, math.cos(turn), math.sin(turn)))
                distances[k, ray] = _measured(lidar, free_m, noise[first + ray])


@kernel
def _place(places: int, seed: int, count: int) -> int:
    state = (_MIX * ((_MIX * seed + _ADD & _MASK) ^ count) + _ADD) & _MASK
    return (state >> 8) % places


@kernel
def _measured(lidar: LidarParams, free_m: float, noise: float) -> float:
    """What the lidar says of a distance; if nothing is in reach it says exactly `farthest_m`."""
    if free_m > lidar.farthest_m:
        return lidar.farthest_m
    steps = round((free_m + lidar.noise_m * noise) / lidar.resolution_m)
    return min(max(steps * lidar.resolution_m, lidar.nearest_m), lidar.farthest_m)


@kernel
def _free_m(
    lidar: LidarParams, field: Field, boxes: Boxes, k: int, ray: tuple[float, float, float, float]
) -> float:
    """The length of a ray: x, y of its start, cosine and sine of its direction."""
    x, y, cos, sin = ray
    middle_x, middle_y = (field.x_low_m + field.x_high_m) / 2.0, (field.y_low_m + field.y_high_m) / 2.0
    half_x, half_y = (field.x_high_m - field.x_low_m) / 2.0, (field.y_high_m - field.y_low_m) / 2.0
    enters, leaves = _crossing(half_x, half_y, (x - middle_x, y - middle_y, cos, sin))
    free_m = math.inf
    if leaves >= max(enters, 0.0):
        free_m = enters if enters > 0.0 else leaves  # the wall is hollow
    for box in range(boxes.x_m.shape[1]):
        if math.isnan(boxes.x_m[k, box]) or boxes.height_m[k, box] <= lidar.height_m:
            continue
        dx, dy = x - boxes.x_m[k, box], y - boxes.y_m[k, box]
        ahead_x, ahead_y = math.cos(boxes.heading_rad[k, box]), math.sin(boxes.heading_rad[k, box])
        turned = (
            dx * ahead_x + dy * ahead_y,
            dy * ahead_x - dx * ahead_y,
            cos * ahead_x + sin * ahead_y,
            sin * ahead_x - cos * ahead_y,
        )
        enters, leaves = _crossing(boxes.length_m[k, box] / 2.0, boxes.width_m[k, box] / 2.0, turned)
        if leaves >= max(enters, 0.0):
            free_m = min(free_m, max(enters, 0.0))
    return free_m


@kernel
def _crossing(half_x: float, half_y: float, ray: tuple[float, float, float, float]) -> tuple[float, float]:
    """Where a ray enters and leaves a rectangle around the origin; it misses one that it leaves first.

    This is the slab method (Kay and Kajiya 1986).
    """
    enters, leaves = -math.inf, math.inf
    for start, way, half in ((ray[0], ray[2], half_x), (ray[1], ray[3], half_y)):
        if way == 0.0:
            if abs(start) > half:
                return math.inf, -math.inf
            continue
        one, other = (-half - start) / way, (half - start) / way
        enters, leaves = max(enters, min(one, other)), min(leaves, max(one, other))
    return enters, leaves
