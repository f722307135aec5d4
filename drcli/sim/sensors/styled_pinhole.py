"""The front camera with randomised pictures: as `pinhole_camera`, but each car sees in the style of its episode."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_arrays import Array, Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import CameraParams, Palette
from drcli.sim.field import field_of
from drcli.sim.kernel import kernel
from drcli.sim.sensors.camera_rows import RowProgram, row_program
from drcli.sim.sensors.floor_patterns import CELL_M, PATTERN_CELLS, PATTERN_UNIT, floor_patterns
from drcli.sim.sensors.ground_raster import Bytes, Floats, Ground, Ints, draw_ground
from drcli.sim.sensors.image_effects import blur_and_grain, light_up, paint_row
from drcli.sim.sensors.lens import lens_tables
from drcli.sim.sensors.panoramas import PANORAMA_COLUMNS, PANORAMA_ROWS, panoramas
from drcli.sim.sensors.picture_styles import (
    DASH_CODE,
    EDGE_CODE,
    FIELD_CODE,
    GLARE_TURN_RAD,
    PITCH_RAD,
    ROAD_CODE,
    PictureStyles,
    noise_values,
)
from drcli.sim.sensors.pinhole_camera import draw_ground_rows
from drcli.sim.sensors.sheen import SHEEN_BANDS
from drcli.sim.sensors.wall_ring import Outline, WallRing, draw_outline, outline_of, wall_ring
from drcli.sim.surroundings import Surroundings
from drcli.sim.track import Track

_PITCHES = 81  # row programs, one every 0.05°
_SPOT_LEVELS = 3  # of the ground that show patterns; farther away a pixel covers too much
_STRIDE_COLUMNS, _STRIDE_ROWS = 8, 4  # between two lookups of a pattern
_Pose = tuple[float, float, float]
_CODES = Palette(*((code,) * 3 for code in (ROAD_CODE, EDGE_CODE, DASH_CODE, FIELD_CODE)))


class StyledCamera(NamedTuple):
    """What the kernels need besides the styles."""

    ground: Ground  # of codes, which the styles' greys belong to
    first: Ints  # [P] of `RowProgram`, for pitches evenly spaced over PITCH_RAD
    ahead_m: Array  # [P, rows] ahead of the camera
    step_m: Array
    level: Ints
    tilt: Array  # [P, 2] sine and cosine
    focal_px: float
    forward_m: float
    height_m: float
    sides_m: Array  # [4] of `WallRing`
    bearing_rad: Array  # [columns] + is left
    no_sheen: Bytes
    patterns: npt.NDArray[np.int8]
    panoramas: npt.NDArray[np.int8]
    noise: Floats
    lenses: npt.NDArray[np.int32]


def styled_camera(camera: CameraParams, track: Track) -> StyledCamera:
    """A camera that can be pitched and moved a little, over a track."""
    ground = draw_ground(track, _CODES)
    pitches = camera.pitch_rad + np.linspace(*PITCH_RAD, _PITCHES)
    rows = [row_program(camera._replace(pitch_rad=float(pitch)), ground) for pitch in pitches]
    columns = np.arange(camera.width_px) + 0.5 - camera.width_px / 2
    return StyledCamera(
        ground=ground,
        first=np.array([each.first for each in rows]),
        ahead_m=np.stack([each.ahead_m for each in rows]) - camera.forward_m,
        step_m=np.stack([each.step_m for each in rows]),
        level=np.stack([each.level for each in rows]),
        tilt=np.stack([np.sin(pitches), np.cos(pitches)], axis=1),
        focal_px=camera.focal_px,
        forward_m=camera.forward_m,
        height_m=camera.height_m,
        sides_m=wall_ring(field_of(track), Surroundings()).sides_m,
        bearing_rad=-np.arctan(columns / camera.focal_px),
        no_sheen=np.zeros((SHEEN_BANDS, camera.width_px), np.uint8),
        patterns=floor_patterns(),
        panoramas=panoramas(),
        noise=noise_values(),
        lenses=lens_tables(camera.height_px, camera.width_px),
    )


@kernel
def render_styled(
    camera: StyledCamera, styles: PictureStyles, cars: CarState, seen: Bools, images: Bytes
) -> None:
    """Draw the world that the cars with `seen` set see: `images` is uint8 `[K, height, width]`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            heading, aside = cars.heading_rad[k], styles.aside_m[k]
            x, y = cars.x_m[k] - aside * math.sin(heading), cars.y_m[k] + aside * math.cos(heading)
            rows = _rows_at(camera, styles.pitch_rad[k], camera.height_m + styles.raise_m[k])
            sides = camera.sides_m + styles.wider_m[k]
            ring = WallRing(sides, styles.wall_height_m[k], styles.walls[k], styles.sky[k])
            outline = outline_of(ring, rows, (x, y, heading), images[k].shape)
            first = max(rows.first, int(outline.base.min()))
            draw_ground_rows(camera.ground, rows, camera.no_sheen, (x, y, heading), first, images[k])
            corner = (
                camera.ground.x_m - styles.spots_at[k, 0] * CELL_M,
                camera.ground.y_m - styles.spots_at[k, 1] * CELL_M,
            )
            _paint_ground(camera, styles, k, rows, (x - corner[0], y - corner[1], heading), first, images[k])
            draw_outline(outline, ring.sky, images[k])
            _add_clutter(camera, styles, k, outline, heading, images[k])


@kernel
def finish_styled(
    camera: StyledCamera, styles: PictureStyles, cars: CarState, seen: Bools, images: Bytes
) -> None:
    """What the camera makes of it: tone, vignette, glare, blur, noise.

    The noise follows from the style and the pose, so a picture depends on nothing but what is seen.
    """
    rows = np.empty((images.shape[1] + 2, images.shape[2] + 2), np.float32)
    for k in range(seen.shape[0]):
        if seen[k]:
            state = styles.noise_seed[k]
            for part in (cars.x_m[k], cars.y_m[k], cars.heading_rad[k]):
                state = (1103515245 * (state ^ (int(part * 1e6) & 0x7FFFFFFF)) + 12345) & 0x7FFFFFFF
            lens = camera.lenses[styles.lens[k]]
            glare = _glare_ahead(camera, styles.glare[k], cars.heading_rad[k], images.shape[2])
            light_up(images[k], lens, styles.tone[k], styles.vignette[k], glare, rows)
            blur_and_grain(images[k], styles.blur[k], styles.noise[k], state, camera.noise, rows)


@kernel
def _glare_ahead(camera: StyledCamera, glare: Array, heading_rad: float, width: int) -> Array:
    """The blobs with the columns where they are seen instead of their bearings; a row of lamps goes round the car."""
    seen = glare.copy()
    for n in range(glare.shape[0]):
        turn = (glare[n, 1] - heading_rad) / GLARE_TURN_RAD
        bearing = (turn - math.floor(turn + 0.5)) * GLARE_TURN_RAD
        seen[n, 1] = width / 2.0 - camera.focal_px * math.tan(bearing)
    return seen


@kernel
def _rows_at(camera: StyledCamera, pitch_rad: float, height_m: float) -> RowProgram:
    """All distances grow with the height."""
    share = (pitch_rad - PITCH_RAD[0]) / (PITCH_RAD[1] - PITCH_RAD[0])
    pitch, taller = int(share * (_PITCHES - 1) + 0.5), height_m / camera.height_m
    return RowProgram(
        camera.first[pitch],
        camera.forward_m + camera.ahead_m[pitch] * taller,
        camera.step_m[pitch] * taller,
        camera.level[pitch],
        camera.focal_px,
        camera.tilt[pitch, 0],
        camera.tilt[pitch, 1],
        camera.forward_m,
        height_m,
    )


@kernel
def _paint_ground(
    camera: StyledCamera,
    styles: PictureStyles,
    k: int,
    rows: RowProgram,
    pose: _Pose,
    start: int,
    image: Bytes,
) -> None:
    """Turn codes into greys with a pattern that fades away; `pose` is relative to the corner of the pattern."""
    height, width = image.shape
    x_m, y_m, heading_rad = pose
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    pattern, greys, strength = camera.patterns[styles.pattern[k]], styles.ground[k], styles.spots[k]
    values, age = np.zeros(width, np.float32), 0
    for row in range(start, height):
        if rows.level[row] < _SPOT_LEVELS:
            if age % _STRIDE_ROWS == 0:
                ahead, step = rows.ahead_m[row], rows.step_m[row]
                left = (width - 1) / 2.0 * step
                line = x_m + ahead * cos - left * sin, y_m + ahead * sin + left * cos, step * sin, -step * cos
                _look_up(pattern, 1.0 - rows.level[row] / _SPOT_LEVELS, line, values)
            age += 1
        paint_row(greys, strength, values, image[row])


@kernel
def _look_up(
    pattern: npt.NDArray[np.int8], strength: float, line: tuple[float, float, float, float], out: Floats
) -> None:
    """The pattern in a row `[width]` along a line on the ground: x, y of its first pixel, and the way to the next."""
    x, y, dx, dy = line
    before = np.float32(0.0)
    for column in range(0, out.shape[0] + 1, _STRIDE_COLUMNS):
        i, j = math.floor((x + column * dx) / CELL_M), math.floor((y + column * dy) / CELL_M)
        cell = pattern[j & (PATTERN_CELLS - 1), i & (PATTERN_CELLS - 1)]
        here = np.float32(strength / PATTERN_UNIT * cell)
        if column:
            slope = (here - before) / np.float32(_STRIDE_COLUMNS)
            for n in range(_STRIDE_COLUMNS):
                out[column - _STRIDE_COLUMNS + n] = before + slope * np.float32(n)
        before = here


@kernel
def _add_clutter(
    camera: StyledCamera, styles: PictureStyles, k: int, outline: Outline, heading_rad: float, image: Bytes
) -> None:
    """Add the panorama to walls and sky; it stands where the ground ends."""
    panorama, factor = camera.panoramas[styles.panorama[k]], np.float32(styles.clutter[k])
    if factor == 0.0:
        return
    black, white = np.float32(0.0), np.float32(255.0)
    columns = np.empty(image.shape[1], np.int64)
    for column in range(image.shape[1]):
        turns = (heading_rad + camera.bearing_rad[column]) / (2.0 * math.pi)
        columns[column] = math.floor(turns * PANORAMA_COLUMNS) + styles.panorama_at[k]
    for row in range(min(int(outline.base.max()), image.shape[0])):
        line = image[row]
        for column in range(image.shape[1]):
            up = min(int(outline.base[column]) - row - 1, PANORAMA_ROWS - 1)
            if up >= 0:
                more = factor * np.float32(panorama[up, columns[column] & (PANORAMA_COLUMNS - 1)])
                line[column] = np.int32(min(max(np.float32(line[column]) + more, black), white))
