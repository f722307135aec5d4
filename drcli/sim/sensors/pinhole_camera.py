"""The front camera: grey images of a flat world, sampled from the ground raster.

A pinhole without roll sees each image row as a straight, evenly spaced line on the ground, so a row costs two
additions and one lookup per pixel, from the mip level that matches its footprint.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_dynamics import Array, Bools, CarState
from drcli.sim.constants import CameraParams
from drcli.sim.kernel import kernel
from drcli.sim.sensors.ground_raster import Bytes, Ground


class RowProgram(NamedTuple):
    """Where each image row looks on the ground, ahead of the car's origin: arrays `[rows]`."""

    first: int  # the rows above it see the sky
    ahead_m: Array
    step_m: Array  # between two pixels, to the right
    level: npt.NDArray[np.int64]  # of the mip pyramid


def row_program(camera: CameraParams, ground: Ground) -> RowProgram:
    """The rows of a camera over a ground: a pixel is sampled at the level nearest to its footprint."""
    edges = (np.arange(camera.height_px + 1) - camera.height_px / 2) / camera.focal_px
    middle = (edges[1:] + edges[:-1]) / 2
    sin, cos = math.sin(camera.pitch_rad), math.cos(camera.pitch_rad)

    def ahead(tangent: Array) -> Array:
        return camera.height_m * (cos - tangent * sin) / (sin + tangent * cos)

    first = int(np.searchsorted(sin + middle * cos, 0.0, side="right"))
    fall = np.maximum(sin + middle * cos, 1e-9)
    step = camera.height_m / fall / camera.focal_px
    depth = camera.height_m / fall**2 / camera.focal_px
    blur = np.log2(np.sqrt(step * depth) / ground.pixel_m)
    level = np.clip(np.rint(blur), 0, len(ground.first) - 1).astype(np.int64)
    return RowProgram(first, camera.forward_m + ahead(middle), step, level)


@kernel
def render(ground: Ground, rows: RowProgram, cars: CarState, seen: Bools, images: Bytes) -> None:
    """Draw what the cars with `seen` set see: `images` is uint8 `[K, height, width]`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            render_one(ground, rows, cars.x_m[k], cars.y_m[k], cars.heading_rad[k], images[k])


@kernel
def render_one(
    ground: Ground, rows: RowProgram, x_m: float, y_m: float, heading_rad: float, image: Bytes
) -> None:
    """Draw what a car at a pose sees into its image `[height, width]`."""
    height, width = image.shape
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    image[: rows.first] = ground.sky
    for row in range(rows.first, height):
        level = rows.level[row]
        columns, lines, first = ground.columns[level], ground.rows[level], ground.first[level]
        scale = 1.0 / (ground.pixel_m * (1 << level))
        step = rows.step_m[row] * scale
        ahead, left = rows.ahead_m[row] * scale, (width - 1) / 2.0 * step
        x = (x_m - ground.x_m) * scale + ahead * cos - left * sin
        y = (y_m - ground.y_m) * scale + ahead * sin + left * cos
        dx, dy = step * sin, -step * cos
        last_x, last_y = x + (width - 1) * dx, y + (width - 1) * dy
        if (
            min(x, last_x) >= 0.0
            and max(x, last_x) < columns
            and min(y, last_y) >= 0.0
            and max(y, last_y) < lines
        ):
            for column in range(width):
                image[row, column] = ground.pixels[
                    first + int(y + column * dy) * columns + int(x + column * dx)
                ]
        else:
            for column in range(width):
                i = min(max(int(x + column * dx), 0), columns - 1)
                j = min(max(int(y + column * dy), 0), lines - 1)
                image[row, column] = ground.pixels[first + j * columns + i]
