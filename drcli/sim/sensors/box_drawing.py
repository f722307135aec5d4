"""Draws boxes and cars on the road into camera images: their visible faces, the farthest one first, flat shaded."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import CameraParams
from drcli.sim.kernel import kernel
from drcli.sim.sensors.ground_raster import Bytes
from drcli.sim.track import Array

_NEAR_M = 0.02  # like simapp's camera
_CORNERS = np.array(
    [(1, 1, 0), (-1, 1, 0), (-1, -1, 0), (1, -1, 0), (1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, -1, 1)]
)
# The four corners of each face, and its outward normal (ahead, left, up).
_FACES = np.array([(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)])
_OUTWARDS = np.array([(0, 1, 0), (-1, 0, 0), (0, -1, 0), (1, 0, 0), (0, 0, 1)])
# simapp's worlds have half of the light from everywhere, and a sun: the direction it shines in (world axes).
_AMBIENT = 0.5
_SUN = np.array((-0.5, 0.1, -0.9)) / math.sqrt(0.5**2 + 0.1**2 + 0.9**2)
_ON_TOP = _AMBIENT - _SUN[2]
# A car: bottom and top as shares of its height, length, width and shift ahead as shares of its size, share of its
# colour; the lowest part has the grey of tyres. The camera is as high as the last part, which hides the others.
_CAR_PARTS = np.array(
    [(0.0, 0.35, 1.0, 1.0, 0.0, 0.0), (0.7, 1.0, 0.5, 0.7, -0.1, 0.6), (0.35, 0.7, 0.95, 0.85, 0.0, 1.0)]
)
_TYRES = 36.0

Part = tuple[float, float, float, float, float, float, float]  # x, y, heading, length, width, bottom, top


class Mounts(NamedTuple):
    """How the cameras of K cars sit compared with where they should: `[K]`."""

    pitch_rad: Array  # + is down
    raise_m: Array
    aside_m: Array  # + is left


@kernel
def draw_boxes(camera: CameraParams, boxes: Boxes, cars: CarState, seen: Bools, images: Bytes) -> None:
    """Draw over what the cars with `seen` set see: `images` is uint8 `[K, height, width]`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            _draw_boxes_of(k, camera, 0.0, boxes, cars, images[k])


@kernel
def draw_boxes_mounted(
    camera: CameraParams, mounts: Mounts, boxes: Boxes, cars: CarState, seen: Bools, images: Bytes
) -> None:
    """The same for cameras that each sit a little otherwise."""
    for k in range(seen.shape[0]):
        if seen[k]:
            mounted = CameraParams(
                camera.width_px,
                camera.height_px,
                camera.horizontal_fov_rad,
                camera.pitch_rad + mounts.pitch_rad[k],
                camera.forward_m,
                camera.height_m + mounts.raise_m[k],
            )
            _draw_boxes_of(k, mounted, mounts.aside_m[k], boxes, cars, images[k])


@kernel
def _draw_boxes_of(
    k: int, camera: CameraParams, aside_m: float, boxes: Boxes, cars: CarState, image: Bytes
) -> None:
    sin, cos = math.sin(cars.heading_rad[k]), math.cos(cars.heading_rad[k])
    x = cars.x_m[k] + camera.forward_m * cos - aside_m * sin
    y = cars.y_m[k] + camera.forward_m * sin + aside_m * cos
    distance = np.hypot(boxes.x_m[k] - x, boxes.y_m[k] - y)
    eye = x, y, sin, cos
    for m in np.argsort(-distance):
        if math.isnan(distance[m]):
            continue
        if boxes.is_car[k, m]:
            _draw_car(camera, boxes, k, m, eye, image)
        else:
            part = (
                boxes.x_m[k, m], boxes.y_m[k, m], boxes.heading_rad[k, m],
                boxes.length_m[k, m], boxes.width_m[k, m], 0.0, boxes.height_m[k, m],
            )  # fmt: skip
            _draw_part(camera, part, float(boxes.grey[k, m]), eye, image)


@kernel
def _draw_car(
    camera: CameraParams,
    boxes: Boxes,
    k: int,
    m: int,
    eye: tuple[float, float, float, float],
    image: Bytes,
) -> None:
    heading, length, height = boxes.heading_rad[k, m], boxes.length_m[k, m], boxes.height_m[k, m]
    for bottom, top, long, wide, ahead, paint in _CAR_PARTS:
        x = boxes.x_m[k, m] + ahead * length * math.cos(heading)
        y = boxes.y_m[k, m] + ahead * length * math.sin(heading)
        width = wide * boxes.width_m[k, m]
        part = (x, y, heading, long * length, width, bottom * height, top * height)
        _draw_part(camera, part, max(paint * boxes.grey[k, m], _TYRES), eye, image)


@kernel
def _draw_part(
    camera: CameraParams, part: Part, grey: float, eye: tuple[float, float, float, float], image: Bytes
) -> None:
    x, y, sin, cos = eye
    box_x, box_y, turn, length, width, bottom, top = part
    ahead_x, ahead_y = math.cos(turn), math.sin(turn)
    half = np.array([length / 2.0, width / 2.0, top])
    pitch_sin, pitch_cos = math.sin(camera.pitch_rad), math.cos(camera.pitch_rad)
    corners = np.empty((8, 3))  # depth, left, up of the camera
    for corner in range(8):
        along, aside = _CORNERS[corner, 0] * half[0], _CORNERS[corner, 1] * half[1]
        dx = box_x + along * ahead_x - aside * ahead_y - x
        dy = box_y + along * ahead_y + aside * ahead_x - y
        up = (top if _CORNERS[corner, 2] else bottom) - camera.height_m
        ahead = dx * cos + dy * sin
        corners[corner] = (
            ahead * pitch_cos - up * pitch_sin,
            dy * cos - dx * sin,
            ahead * pitch_sin + up * pitch_cos,
        )

    # The camera's position relative to the part tells which faces are visible.
    dx, dy = x - box_x, y - box_y
    eye_of_box = np.array([dx * ahead_x + dy * ahead_y, dy * ahead_x - dx * ahead_y, camera.height_m])
    for face in range(5):
        outside = 0.0
        for axis in range(3):
            outside += _OUTWARDS[face, axis] * eye_of_box[axis] - abs(_OUTWARDS[face, axis]) * half[axis]
        if outside > 0.0:
            light = _light(_OUTWARDS[face], ahead_x, ahead_y)
            _fill(_project(camera, corners[_FACES[face]]), int(grey * light), image)


@kernel
def _light(outwards: npt.NDArray[np.int64], ahead_x: float, ahead_y: float) -> float:
    """The brightness of a face over that of a level one; its normal is turned into the world."""
    x = outwards[0] * ahead_x - outwards[1] * ahead_y
    y = outwards[0] * ahead_y + outwards[1] * ahead_x
    facing = -(x * _SUN[0] + y * _SUN[1] + outwards[2] * _SUN[2])
    return float((_AMBIENT + max(facing, 0.0)) / _ON_TOP)


@kernel
def _project(camera: CameraParams, face: Array) -> Array:
    """Column and row `[M, 2]` of the part of a face (`[4, 3]`) that is in front of the camera."""
    focal = camera.width_px / 2.0 / math.tan(camera.horizontal_fov_rad / 2.0)
    points, count = np.empty((8, 2)), 0
    for corner in range(4):
        here, there = face[corner], face[(corner + 1) % 4]
        if here[0] >= _NEAR_M:
            points[count, 0] = camera.width_px / 2.0 - focal * here[1] / here[0]
            points[count, 1] = camera.height_px / 2.0 - focal * here[2] / here[0]
            count += 1
        if (here[0] >= _NEAR_M) != (there[0] >= _NEAR_M):
            share = (_NEAR_M - here[0]) / (there[0] - here[0])
            points[count, 0] = (
                camera.width_px / 2.0 - focal * (here[1] + share * (there[1] - here[1])) / _NEAR_M
            )
            points[count, 1] = (
                camera.height_px / 2.0 - focal * (here[2] + share * (there[2] - here[2])) / _NEAR_M
            )
            count += 1
    return points[:count]


@kernel
def _fill(points: Array, grey: int, image: Bytes) -> None:
    """Fill a convex polygon: every pixel whose centre is inside."""
    height, width = image.shape
    count = points.shape[0]
    if count < 3:
        return
    first, last = max(points[:, 1].min(), 0.0), min(points[:, 1].max(), float(height))
    for row in range(math.ceil(first - 0.5), math.floor(last - 0.5) + 1):
        y, left, right = row + 0.5, float(width), 0.0
        for corner in range(count):
            ax, ay = points[corner]
            bx, by = points[(corner + 1) % count]
            if (ay > y) != (by > y):
                x = ax + (y - ay) / (by - ay) * (bx - ax)
                left, right = min(left, x), max(right, x)
        for column in range(max(math.ceil(left - 0.5), 0), min(math.ceil(right - 0.5), width)):
            image[row, column] = grey
