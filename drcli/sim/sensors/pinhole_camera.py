"""The front camera: grey images of a flat world with walls around it, sampled from the ground raster.

A pinhole without roll sees each image row as a straight, evenly spaced line on the ground, so a row costs two
additions and one lookup per pixel, from the mip level that matches its footprint. Places along a row are counted in
fixed-point numbers, which is faster than with fractions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from drcli.sim.car_arrays import Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import CameraParams
from drcli.sim.field import Field
from drcli.sim.kernel import kernel
from drcli.sim.sensors.camera_rows import RowProgram, row_program
from drcli.sim.sensors.ground_raster import Bytes, Ground
from drcli.sim.sensors.sheen import SHEEN_BANDS, SHEEN_TURNS, sheen_table
from drcli.sim.sensors.wall_ring import WallRing, draw_outline, outline_of, wall_ring
from drcli.sim.surroundings import Surroundings

_BITS = 16  # of a fixed-point number's fraction
_ONE = 1 << _BITS


class View(NamedTuple):
    """What a camera needs to know of a world."""

    ground: Ground
    rows: RowProgram
    ring: WallRing
    sheen: Bytes  # `sheen_table`


def view_of(camera: CameraParams, ground: Ground, field: Field, look: Surroundings) -> View:
    """What `camera` needs to know of a ground and what is around it."""
    return View(ground, row_program(camera, ground), wall_ring(field, look), sheen_table(camera, look.sheen))


@kernel
def render(view: View, cars: CarState, seen: Bools, images: Bytes) -> None:
    """Draw what the cars with `seen` set see: `images` is uint8 `[K, height, width]`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            pose = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
            outline = outline_of(view.ring, view.rows, pose, images[k].shape)
            turn = math.floor(pose[2] / (2.0 * math.pi) * SHEEN_TURNS + 0.5) % SHEEN_TURNS
            first = max(view.rows.first, int(outline.base.min()))
            draw_ground_rows(view.ground, view.rows, view.sheen[turn], pose, first, images[k])
            draw_outline(outline, view.ring.sky, images[k])


@kernel
def draw_ground_rows(
    ground: Ground,
    rows: RowProgram,
    sheen: Bytes,
    pose: tuple[float, float, float],
    start: int,
    image: Bytes,
) -> None:
    """Draw the ground that a car at a pose (x, y, heading) sees into its image `[height, width]`, from row `start` on.

    `sheen` `[SHEEN_BANDS, width]` is added to what is as dark as the road.
    """
    height, width = image.shape
    x_m, y_m, heading_rad = pose
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    band = height // SHEEN_BANDS
    for row in range(start, height):
        level = rows.level[row]
        columns, lines = ground.columns[level], ground.rows[level]
        scale = 1.0 / (ground.pixel_m * (1 << level))
        step = rows.step_m[row] * scale
        ahead, left = rows.ahead_m[row] * scale, (width - 1) / 2.0 * step
        x = (x_m - ground.x_m) * scale + ahead * cos - left * sin
        y = (y_m - ground.y_m) * scale + ahead * sin + left * cos
        line = x, y, step * sin, -step * cos
        _draw_row(ground.pixels, ground.first[level], columns, lines, line, image[row])
        _add_sheen(sheen[row // band], ground.sheen_below, image[row])


@kernel
def _draw_row(
    pixels: Bytes, first: int, columns: int, lines: int, line: tuple[float, float, float, float], out: Bytes
) -> None:
    """A row of the image `[width]` along a line on a level: x, y of its first pixel, and the way to the next."""
    x, y, dx, dy = line
    width = out.shape[0]
    last_x, last_y = x + (width - 1) * dx, y + (width - 1) * dy
    at_x, at_y, add_x, add_y = int(x * _ONE), int(y * _ONE), int(dx * _ONE), int(dy * _ONE)
    if (
        min(x, last_x) >= 1.0
        and max(x, last_x) < columns - 1
        and min(y, last_y) >= 1.0
        and max(y, last_y) < lines - 1
    ):
        for column in range(width):
            out[column] = pixels[first + (at_y >> _BITS) * columns + (at_x >> _BITS)]
            at_x, at_y = at_x + add_x, at_y + add_y
    else:
        for column in range(width):
            i = min(max(at_x >> _BITS, 0), columns - 1)
            j = min(max(at_y >> _BITS, 0), lines - 1)
            out[column] = pixels[first + j * columns + i]
            at_x, at_y = at_x + add_x, at_y + add_y


@kernel
def _add_sheen(sheen: Bytes, below: int, out: Bytes) -> None:
    """Add to what is darker than `below` in a row."""
    limit = np.uint8(below)
    for column in range(out.shape[0]):
        out[column] += sheen[column] * np.uint8(out[column] < limit)
