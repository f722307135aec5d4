"""Kernels of the painter: a flat ground seen by a camera without roll, and convex faces above it, anti-aliased.

All in one file, as numba only looks at a function's own file when it decides whether compiled code is still valid.
Colours are packed into one integer: red, green and blue in lanes of 16 bits, so that one multiplication weighs all.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

import drcli.sim.kernel  # noqa: F401 - decides where compiled code is kept

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MOST_CORNERS = 8  # of a face
_LANES, _BITS = 0x00FF00FF00FF, 16
_NEAR_M = 0.02
_NEXT = np.uint64(1)  # without a sign: numba need not look for negative places
_SUBROWS = 4  # a face's edges are sampled that often per row
_AMBIENT = 0.5  # light and sun as in drcli.sim.sensors.box_drawing
_SUN = (-0.4833, 0.0967, -0.8701)
_LEAST_FALL = 2e-3  # of a ray per length, to meet the ground


class PackedGround(NamedTuple):
    """The coloured ground with mip levels, each coarser by 2, row by row from the lower left corner."""

    pixels: Ints  # level after level
    first: Ints  # [levels] where each begins
    columns: Ints
    rows: Ints
    x_m: float
    y_m: float
    pixel_m: float  # of level 0


class Sky(NamedTuple):
    """Packed colours above the ground. haze_m: the ground fades into the horizon's colour with that distance."""

    horizon: int
    zenith: int
    haze_m: float


class Eye(NamedTuple):
    """A camera without roll: where it is, where it looks, and how long its lens is."""

    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    pitch_rad: float  # + is down
    focal_px: float


class Faces(NamedTuple):
    """F convex polygons, counterclockwise seen from outside; those of a lower layer are drawn first."""

    corners: Array  # [F, MOST_CORNERS, 3] m
    corner_count: Ints  # [F] corners that are used
    colour: Array  # [F, 3]
    alpha: Array  # [F]
    layer: Ints  # [F] from LIT on, the light falls on it


WALL, SHADOW, LIT = 0, 1, 2  # layers

kernel = partial(numba.njit, cache=True, nogil=True)()  # several threads paint the frames of a video


@kernel
def decode_ground(codes: Bytes, table: Ints, grain: npt.NDArray[np.int8], out: Ints) -> None:
    """Packed colours of codes `[rows, columns]` by `table` `[256, 3]`; a square tile of grain varies them (1/512)."""
    rows, columns = codes.shape
    mask = grain.shape[0] - 1
    for row in range(rows):
        for column in range(columns):
            code, noise = codes[row, column], 512 + int(grain[row & mask, column & mask])
            if row == 0 or column == 0 or row == rows - 1 or column == columns - 1:
                noise = 512  # what lies beyond has the colour of the last pixel
            red = min((table[code, 0] * noise) >> 9, 255)
            green = min((table[code, 1] * noise) >> 9, 255)
            blue = min((table[code, 2] * noise) >> 9, 255)
            out[row * columns + column] = red | (green << 16) | (blue << 32)


@kernel
def halve(fine: Ints, columns: int, coarse: Ints) -> None:
    """The next level: the mean of four pixels each."""
    wide = columns // 2
    for row in range(coarse.shape[0] // wide):
        for column in range(wide):
            at = 2 * row * columns + 2 * column
            total = fine[at] + fine[at + 1] + fine[at + columns] + fine[at + columns + 1]
            coarse[row * wide + column] = (total >> 2) & _LANES


@kernel
def paint_ground(ground: PackedGround, sky: Sky, eye: Eye, image: Bytes) -> None:
    """Fill an image `[height, width, 3]` with ground and sky.

    Each row sees a straight line on the ground; rows that see far are the mean of several lines.
    """
    height, width = image.shape[0], image.shape[1]
    sin, cos = math.sin(eye.pitch_rad), math.cos(eye.pitch_rad)
    sums = np.empty(width, np.int64)
    for row in range(height):
        tangent = (row + 0.5 - height / 2.0) / eye.focal_px
        fall = sin + tangent * cos
        if fall <= _LEAST_FALL:
            _fill_row(_blend(sky.horizon, sky.zenith, int(256.0 * min(-fall * 1.6 + 0.01, 1.0))), image[row])
            continue
        lines = 1 if fall > 0.6 else 2 if fall > 0.3 else 4
        step_m = eye.z_m / fall / eye.focal_px
        depth_m = step_m / fall / lines
        level = int(math.log2(math.sqrt(step_m * max(step_m, depth_m)) / ground.pixel_m) + 0.5)
        level = min(max(level, 0), len(ground.first) - 1)
        sums[:] = 0
        for line in range(lines):
            at = tangent + ((line + 0.5) / lines - 0.5) / eye.focal_px
            drop = max(sin + at * cos, _LEAST_FALL)
            ahead_m = eye.z_m * (cos - at * sin) / drop
            _add_line(ground, level, eye, ahead_m, eye.z_m / drop / eye.focal_px, sums)
        shift = 0 if lines == 1 else 1 if lines == 2 else 2
        haze = int(256.0 * (1.0 - math.exp(-eye.z_m / fall / sky.haze_m)))
        _put_row(sums, shift, sky.horizon, haze, image[row])


@kernel
def _put_row(sums: Ints, shift: int, horizon: int, haze: int, out: Bytes) -> None:
    for column in range(out.shape[0]):
        packed = (sums[column] >> shift) & _LANES
        if haze:
            packed = _blend(packed, horizon, haze)
        out[column, 0] = packed & 255
        out[column, 1] = (packed >> 16) & 255
        out[column, 2] = packed >> 32


@kernel
def _blend(packed: int, other: int, share: int) -> int:
    """`share`: of the other colour, of 256."""
    return ((packed * (256 - share) + other * share) >> 8) & _LANES


@kernel
def _fill_row(packed: int, out: Bytes) -> None:
    for column in range(out.shape[0]):
        out[column, 0] = packed & 255
        out[column, 1] = (packed >> 16) & 255
        out[column, 2] = packed >> 32


@kernel
def _add_line(ground: PackedGround, level: int, eye: Eye, ahead_m: float, step_m: float, sums: Ints) -> None:
    """Add what a row of pixels `step_m` apart sees, `ahead_m` from the camera."""
    width, scale = sums.shape[0], 1.0 / (ground.pixel_m * (1 << level))
    columns, rows, first = ground.columns[level], ground.rows[level], ground.first[level]
    sin, cos = math.sin(eye.heading_rad), math.cos(eye.heading_rad)
    left_m = (width - 1) / 2.0 * step_m
    x = (eye.x_m - ground.x_m + ahead_m * cos - left_m * sin) * scale - 0.5
    y = (eye.y_m - ground.y_m + ahead_m * sin + left_m * cos) * scale - 0.5
    dx, dy = step_m * sin * scale, -step_m * cos * scale
    one = float(1 << _BITS)
    at_x, at_y, add_x, add_y = int(x * one), int(y * one), int(dx * one), int(dy * one)
    last_x, last_y = (at_x + (width - 1) * add_x) >> _BITS, (at_y + (width - 1) * add_y) >> _BITS
    first_x, first_y = at_x >> _BITS, at_y >> _BITS
    is_inside = (
        min(first_x, last_x) >= 0
        and max(first_x, last_x) < columns - 1
        and min(first_y, last_y) >= 0
        and max(first_y, last_y) < rows - 1
    )
    pixels = ground.pixels[first : first + columns * rows]
    for column in range(width):
        i, j = at_x >> _BITS, at_y >> _BITS
        if not is_inside:
            i, j = min(max(i, 0), columns - 2), min(max(j, 0), rows - 2)
        u, v, at = (at_x >> 8) & 255, (at_y >> 8) & 255, np.uint64(j * columns + i)
        both, above = (u * v) >> 8, np.uint64(at + np.uint64(columns))
        mixed = pixels[at] * (256 - u - v + both) + pixels[np.uint64(at + _NEXT)] * (u - both)
        mixed += pixels[above] * (v - both) + pixels[np.uint64(above + _NEXT)] * both
        sums[column] += (mixed >> 8) & _LANES
        at_x, at_y = at_x + add_x, at_y + add_y


@kernel
def paint_faces(faces: Faces, eye: Eye, image: Bytes) -> None:
    """Draw the faces that look at the camera, layer by layer, in each the farthest one first."""
    height, width = image.shape[0], image.shape[1]
    sin, cos = math.sin(eye.heading_rad), math.cos(eye.heading_rad)
    pitch_sin, pitch_cos = math.sin(eye.pitch_rad), math.cos(eye.pitch_rad)
    key = np.empty(len(faces.corner_count))
    for face in range(len(faces.corner_count)):
        middle = np.zeros(3)
        for corner in range(faces.corner_count[face]):
            middle += faces.corners[face, corner] / faces.corner_count[face]
        away = math.sqrt((middle[0] - eye.x_m) ** 2 + (middle[1] - eye.y_m) ** 2 + (middle[2] - eye.z_m) ** 2)
        key[face] = faces.layer[face] * 1e6 - away
    points, seen = np.empty((MOST_CORNERS, 3)), np.empty((2 * MOST_CORNERS, 2))
    for face in np.argsort(key):
        normal = _normal(faces.corners[face])
        corner = faces.corners[face, 0]
        toward = (eye.x_m - corner[0]) * normal[0] + (eye.y_m - corner[1]) * normal[1]
        if toward + (eye.z_m - corner[2]) * normal[2] <= 0.0:
            continue
        for number in range(faces.corner_count[face]):
            x, y, z = faces.corners[face, number]
            dx, dy, up = x - eye.x_m, y - eye.y_m, z - eye.z_m
            ahead = dx * cos + dy * sin
            points[number, 0] = ahead * pitch_cos - up * pitch_sin
            points[number, 1] = dy * cos - dx * sin
            points[number, 2] = ahead * pitch_sin + up * pitch_cos
        count = _project(points, faces.corner_count[face], eye.focal_px, (width, height), seen)
        light = 1.0
        if faces.layer[face] >= LIT:
            facing = -(normal[0] * _SUN[0] + normal[1] * _SUN[1] + normal[2] * _SUN[2])
            light = (_AMBIENT + max(facing, 0.0)) / (_AMBIENT - _SUN[2])
        fill_polygon(seen[:count], faces.colour[face] * light, faces.alpha[face], image)


@kernel
def _normal(corners: Array) -> tuple[float, float, float]:
    ax, ay, az = corners[1] - corners[0]
    bx, by, bz = corners[2] - corners[0]
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    length = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return x / length, y / length, z / length


@kernel
def _project(points: Array, count: int, focal_px: float, size: tuple[int, int], out: Array) -> int:
    """Columns and rows of the part of a face that is in front of the camera; returns its number of corners."""
    width, height = size
    found = 0
    for number in range(count):
        here, there = points[number], points[(number + 1) % count]
        if here[0] >= _NEAR_M:
            out[found, 0] = width / 2.0 - focal_px * here[1] / here[0]
            out[found, 1] = height / 2.0 - focal_px * here[2] / here[0]
            found += 1
        if (here[0] >= _NEAR_M) != (there[0] >= _NEAR_M):
            share = (_NEAR_M - here[0]) / (there[0] - here[0])
            out[found, 0] = width / 2.0 - focal_px * (here[1] + share * (there[1] - here[1])) / _NEAR_M
            out[found, 1] = height / 2.0 - focal_px * (here[2] + share * (there[2] - here[2])) / _NEAR_M
            found += 1
    return found


@kernel
def fill_polygon(points: Array, colour: Array, alpha: float, image: Bytes) -> None:
    """Fill a convex polygon `[M, 2]` of columns and rows; pixels on its edges are blended by what it covers."""
    height, width = image.shape[0], image.shape[1]
    if points.shape[0] < 3:
        return
    first, last = max(points[:, 1].min(), 0.0), min(points[:, 1].max(), float(height))
    left, right = np.empty(_SUBROWS), np.empty(_SUBROWS)
    for row in range(int(first), min(math.ceil(last), height)):
        for part in range(_SUBROWS):
            _span(points, row + (part + 0.5) / _SUBROWS, left, right, part)
        whole_from, whole_to = math.ceil(max(left.max(), 0.0)), math.floor(min(right.min(), float(width)))
        for column in range(max(int(left.min()), 0), min(math.ceil(right.max()), width)):
            share = alpha
            if column < whole_from or column >= whole_to:
                covered = 0.0
                for part in range(_SUBROWS):
                    covered += max(min(right[part], column + 1.0) - max(left[part], float(column)), 0.0)
                share = alpha * covered / _SUBROWS
            for lane in range(3):
                below = float(image[row, column, lane])
                mixed = below + (min(colour[lane], 255.0) - below) * share
                image[row, column, lane] = int(mixed + 0.5)


@kernel
def _span(points: Array, y: float, left: Array, right: Array, part: int) -> None:
    """Where a convex polygon begins and ends at the height `y`; an empty span if it is above or below."""
    count = points.shape[0]
    left[part], right[part] = 1e9, -1e9
    for corner in range(count):
        ax, ay = points[corner]
        bx, by = points[(corner + 1) % count]
        if (ay > y) != (by > y):
            x = ax + (y - ay) / (by - ay) * (bx - ax)
            left[part], right[part] = min(left[part], x), max(right[part], x)
