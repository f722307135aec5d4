"""The kernel of `ObjectsAhead`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import NOSE_M, CameraParams
from drcli.sim.geometry import Road, locate
from drcli.sim.kernel import kernel

_FIGURES = 5  # of an object
_CAMERA = CameraParams()
_TANGENT = math.tan(_CAMERA.horizontal_fov_rad / 2.0)
_POINTS = np.array([(0.0, 0.0), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)])  # centre and corners


@kernel
def look_for_objects(
    road: Road,
    range_m: float,
    cars: CarState,
    boxes: Boxes,
    is_reversed: Bools,
    seen: Bools,
    out: npt.NDArray[Any],
) -> None:
    """Fill the rows of `out` of the cars with `seen` set, as far as there are objects."""
    for k in range(seen.shape[0]):
        if seen[k]:
            _look(road, range_m, cars, boxes, k, is_reversed[k], out[k])


@kernel
def _look(
    road: Road, range_m: float, cars: CarState, boxes: Boxes, k: int, is_reversed: bool, out: npt.NDArray[Any]
) -> None:
    cos, sin = math.cos(cars.heading_rad[k]), math.sin(cars.heading_rad[k])
    dx, dy = boxes.x_m[k] - cars.x_m[k], boxes.y_m[k] - cars.y_m[k]
    ahead, left = dx * cos + dy * sin - NOSE_M, dy * cos - dx * sin
    distance, found = np.hypot(ahead, left), 0
    for m in np.argsort(distance):
        if not distance[m] < range_m or found * _FIGURES >= out.shape[0]:
            return
        if _is_in_view(boxes, k, m, (ahead[m] + NOSE_M, left[m], cos, sin)):
            spot = locate(road, boxes.x_m[k, m], boxes.y_m[k, m], is_reversed)
            side = 1.0 if spot.is_left_of_center else -1.0
            first = found * _FIGURES
            out[first], out[first + 1], out[first + 2] = 1.0 - distance[m] / range_m, ahead[m], left[m]
            out[first + 3], out[first + 4] = side * spot.distance_from_center_m, boxes.width_m[k, m]
            found += 1


@kernel
def _is_in_view(boxes: Boxes, k: int, m: int, place: tuple[float, float, float, float]) -> bool:
    """Whether the centre or a corner is between the left and the right end of the picture.

    place: ahead and left of the car's origin, cosine and sine of the car's heading.
    """
    ahead, left, cos, sin = place
    turn_cos, turn_sin = math.cos(boxes.heading_rad[k, m]), math.sin(boxes.heading_rad[k, m])
    for share, aside in _POINTS:
        along, across = share * boxes.length_m[k, m], aside * boxes.width_m[k, m]
        dx, dy = along * turn_cos - across * turn_sin, along * turn_sin + across * turn_cos
        depth = ahead - _CAMERA.forward_m + dx * cos + dy * sin
        if depth > 0.0 and abs(left + dy * cos - dx * sin) <= depth * _TANGENT:
            return True
    return False
