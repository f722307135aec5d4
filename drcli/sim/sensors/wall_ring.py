"""The walls along the sides of the field, and the sky above them, in the front camera's picture.

A pinhole sees the upper and the lower edge of a wall as straight lines. From inside the ring the ground ends at the
lowest of the four lower edges, and the sky at the highest of the four upper ones, so a column needs no more than that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from drcli.sim.car_arrays import Array
from drcli.sim.field import Field
from drcli.sim.kernel import kernel
from drcli.sim.sensors.camera_rows import RowProgram
from drcli.sim.sensors.ground_raster import Bytes, Floats
from drcli.sim.surroundings import Surroundings

_NEAREST_M = 0.3  # a wall is not seen from nearer than this, nor from outside


class WallRing(NamedTuple):
    """Four walls, on the sides +x, +y, -x, -y of the field."""

    sides_m: Array  # [4] how far out each wall is, along its outward normal
    height_m: float
    greys: Bytes  # [4]
    sky: float


class Outline(NamedTuple):
    """What stands above the ground in each column `[columns]`: rows count down from the picture's upper edge."""

    top: Floats  # the sky ends
    base: Floats  # the wall ends, the ground begins
    grey: Floats  # of the wall


def wall_ring(field: Field, look: Surroundings) -> WallRing:
    """The ring around a field."""
    sides = np.array([field.x_high_m, field.y_high_m, -field.x_low_m, -field.y_low_m])
    return WallRing(sides, look.wall_height_m, np.array(look.walls, np.uint8), float(look.sky))


@kernel
def outline_of(
    ring: WallRing, rows: RowProgram, pose: tuple[float, float, float], size: tuple[int, int]
) -> Outline:
    """The outline of the ring as the camera of a car at a pose (x, y, heading) sees it; `size` is rows, columns.

    A ray through column u and row v of the image plane (pixels from its middle) falls by s + v·c and comes nearer to
    a wall by w = (A + B·u + C·v) of their distance; it meets the wall's edge at height z where s + v·c = (h - z)·w.
    """
    height, width = size
    x_m, y_m, heading_rad = pose
    outline = Outline(
        np.full(width, np.float32(height)), np.full(width, np.float32(-height)), np.empty(width, np.float32)
    )
    above_m, focal, sin, cos = ring.height_m - rows.height_m, rows.focal_px, rows.sin, rows.cos
    for wall in range(4):
        turn = heading_rad - wall * (math.pi / 2.0)
        toward, aside = math.cos(turn), math.sin(turn)  # of the wall's normal: ahead of the car, to its right
        out_m = x_m * math.cos(wall * (math.pi / 2.0)) + y_m * math.sin(wall * (math.pi / 2.0))
        gap_m = max(ring.sides_m[wall] - out_m - rows.forward_m * toward, _NEAREST_M)
        a, b, c = focal * cos * toward / gap_m, aside / gap_m, -sin * toward / gap_m
        base_scale, top_scale = 1.0 / (cos - rows.height_m * c), 1.0 / (cos + above_m * c)
        base_step, top_step = rows.height_m * b * base_scale, -above_m * b * top_scale
        first = 0.5 - width / 2.0
        base = (rows.height_m * a - focal * sin) * base_scale + height / 2.0 + first * base_step
        top = (-above_m * a - focal * sin) * top_scale + height / 2.0 + first * top_step
        grey = np.float32(ring.greys[wall])
        for column in range(width):
            here = np.float32(base + column * base_step)
            outline.grey[column] = grey if here > outline.base[column] else outline.grey[column]
            outline.base[column] = max(outline.base[column], here)
            outline.top[column] = min(outline.top[column], np.float32(top + column * top_step))
    return outline


@kernel
def draw_outline(outline: Outline, sky: float, image: Bytes) -> None:
    """Draw sky and walls over an image whose ground is drawn; pixels on an edge are blended by what they cover."""
    height, width = image.shape
    last, sky_grey = min(int(outline.base.max()) + 1, height), np.float32(sky)
    half, none, whole = np.float32(0.5), np.float32(0.0), np.float32(1.0)
    for row in range(last):
        line, edge = image[row], np.float32(row)
        for column in range(width):
            wall = min(max(outline.base[column] - edge, none), whole)
            free = min(max(outline.top[column] - edge, none), whole)
            grey = np.float32(line[column])
            grey += (outline.grey[column] - grey) * wall
            grey += (sky_grey - outline.grey[column]) * free
            line[column] = np.int32(grey + half)
