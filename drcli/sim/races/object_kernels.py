"""Kernels of races with objects: where each object is on the road, and whether the next one is in the picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Array, Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import CameraParams
from drcli.sim.geometry import Road, locate
from drcli.sim.kernel import kernel

# The frustum of `object_in_camera` in simapp: a little higher and further ahead than the camera itself.
_CAMERA = CameraParams(forward_m=0.2, height_m=0.164)
_NEAR_M, _FAR_M = 0.2, 300.0
_POINTS = np.array([(0.0, 0.0), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)])  # centre and corners


class OnRoad(NamedTuple):
    """Where M objects are on the roads of K cars, in their driving directions: arrays `[K, M]`."""

    along_m: Array  # on the centre line, from its first waypoint
    from_center_m: Array
    is_left: Bools  # of the centre line


def new_on_road(num_envs: int, count: int) -> OnRoad:
    """Objects that have not been located."""
    along, gap = np.zeros((2, num_envs, count))
    return OnRoad(along, gap, np.zeros((num_envs, count), np.bool_))


@kernel
def locate_objects(road: Road, boxes: Boxes, is_reversed: Bools, chosen: Bools, out: OnRoad) -> None:
    """Project the objects of the cars with `chosen` `[K]` set on the centre line, exactly as a car is."""
    for k in range(chosen.shape[0]):
        if chosen[k]:
            for m in range(out.along_m.shape[1]):
                spot = locate(road, boxes.x_m[k, m], boxes.y_m[k, m], is_reversed[k])
                out.along_m[k, m] = spot.ndist * road.length_m
                out.from_center_m[k, m] = spot.distance_from_center_m
                out.is_left[k, m] = spot.is_left_of_center


@kernel
def find_in_camera(cars: CarState, boxes: Boxes, following: npt.NDArray[np.int64], out: Bools) -> None:
    """Fill `out` `[K]`: whether the centre or a corner of each car's following object is in its camera's frustum."""
    tangent = math.tan(_CAMERA.horizontal_fov_rad / 2.0)
    pitch_sin, pitch_cos = math.sin(_CAMERA.pitch_rad), math.cos(_CAMERA.pitch_rad)
    for k in range(out.shape[0]):
        m = following[k]
        sin, cos = math.sin(cars.heading_rad[k]), math.cos(cars.heading_rad[k])
        x, y = cars.x_m[k] + _CAMERA.forward_m * cos, cars.y_m[k] + _CAMERA.forward_m * sin
        turn_sin, turn_cos = math.sin(boxes.heading_rad[k, m]), math.cos(boxes.heading_rad[k, m])
        out[k] = False
        for share, aside in _POINTS:
            along, left = share * boxes.length_m[k, m], aside * boxes.width_m[k, m]
            dx = boxes.x_m[k, m] + along * turn_cos - left * turn_sin - x
            dy = boxes.y_m[k, m] + along * turn_sin + left * turn_cos - y
            ahead, up = dx * cos + dy * sin, -_CAMERA.height_m
            depth, up = ahead * pitch_cos - up * pitch_sin, ahead * pitch_sin + up * pitch_cos
            is_wide = abs(dy * cos - dx * sin) <= depth * tangent
            is_high = abs(up) <= depth * tangent * _CAMERA.height_px / _CAMERA.width_px
            if _NEAR_M <= depth <= _FAR_M and is_wide and is_high:
                out[k] = True
                break
