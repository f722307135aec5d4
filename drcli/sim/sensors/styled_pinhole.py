"""The front camera with randomised pictures: as `pinhole_camera`, but each car sees in the style of its episode."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_dynamics import Array, Bools, CarState
from drcli.sim.constants import CameraParams
from drcli.sim.kernel import kernel
from drcli.sim.sensors.camera_rows import RowProgram, row_program
from drcli.sim.sensors.ground_raster import Bytes, Floats, Ground, Ints
from drcli.sim.sensors.image_effects import add_to_row, finish
from drcli.sim.sensors.picture_styles import (
    CELL_M,
    PATTERN_CELLS,
    PATTERN_UNIT,
    PITCH_RAD,
    SECTORS,
    PictureStyles,
    noise_values,
    spots_pattern,
)
from drcli.sim.sensors.pinhole_camera import draw_ground_rows
from drcli.sim.sensors.sheen import SHEEN_BANDS

_PITCHES = 61  # row programs, one every 0.05°
_SPOT_LEVELS = 3  # of the ground that show spots; farther away a pixel covers too much
_STRIDE_COLUMNS, _STRIDE_ROWS = 8, 4  # between two lookups of spots, which change slowly


class StyledCamera(NamedTuple):
    """What the kernels need besides the ground and the styles."""

    first: Ints  # [P] of `RowProgram`, for pitches evenly spaced over PITCH_RAD
    ahead_m: Array  # [P, rows]
    step_m: Array
    level: Ints
    focal_px: float
    bearing_rad: Array  # [columns] + is left
    pattern: npt.NDArray[np.int8]
    noise: Floats
    sheen: Bytes  # [SHEEN_BANDS, columns], none
    tilt: Array  # [P, 2] sine and cosine of the pitches
    mount_m: tuple[float, float]  # forward and up


def styled_camera(camera: CameraParams, ground: Ground) -> StyledCamera:
    """A camera that can be pitched a little, over a ground."""
    pitches = camera.pitch_rad + np.linspace(*PITCH_RAD, _PITCHES)
    rows = [row_program(camera._replace(pitch_rad=float(pitch)), ground) for pitch in pitches]
    columns = np.arange(camera.width_px) + 0.5 - camera.width_px / 2
    return StyledCamera(
        first=np.array([each.first for each in rows]),
        ahead_m=np.stack([each.ahead_m for each in rows]),
        step_m=np.stack([each.step_m for each in rows]),
        level=np.stack([each.level for each in rows]),
        focal_px=camera.focal_px,
        bearing_rad=-np.arctan(columns / camera.focal_px),
        pattern=spots_pattern(),
        noise=noise_values(),
        sheen=np.zeros((SHEEN_BANDS, camera.width_px), np.uint8),
        tilt=np.stack([np.sin(pitches), np.cos(pitches)], axis=1),
        mount_m=(camera.forward_m, camera.height_m),
    )


@kernel
def render_styled(
    ground: Ground, camera: StyledCamera, styles: PictureStyles, cars: CarState, seen: Bools, images: Bytes
) -> None:
    """Draw the world that the cars with `seen` set see: `images` is uint8 `[K, height, width]`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            x, y, heading = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
            rows = _rows_at(camera, styles.pitch_rad[k])
            draw_ground_rows(ground, rows, camera.sheen, (x, y, heading), rows.first, images[k])
            _draw_around(camera, styles, k, rows.first, heading, images[k])
            strength = styles.spots[k] / PATTERN_UNIT
            corner = ground.x_m - styles.spots_at[k, 0] * CELL_M, ground.y_m - styles.spots_at[k, 1] * CELL_M
            _add_spots(camera.pattern, strength, rows, (x - corner[0], y - corner[1], heading), images[k])


@kernel
def finish_styled(
    camera: StyledCamera, styles: PictureStyles, cars: CarState, seen: Bools, images: Bytes
) -> None:
    """What the camera makes of it: tone, blur, noise.

    The noise follows from the style and the pose, so a picture depends on nothing but what is seen.
    """
    rows = np.empty((images.shape[1] + 2, images.shape[2] + 2), np.float32)
    for k in range(seen.shape[0]):
        if seen[k]:
            state = styles.noise_seed[k]
            for part in (cars.x_m[k], cars.y_m[k], cars.heading_rad[k]):
                state = (1103515245 * (state ^ (int(part * 1e6) & 0x7FFFFFFF)) + 12345) & 0x7FFFFFFF
            finish(images[k], styles.tone[k], styles.blur[k], styles.noise[k], state, camera.noise, rows)


@kernel
def _draw_around(
    camera: StyledCamera, styles: PictureStyles, k: int, first: int, heading_rad: float, image: Bytes
) -> None:
    """The sky, and below it the walls, which end at row `first`."""
    top = max(first - int(camera.focal_px * styles.wall_height_rad[k]), 0)
    image[:top] = styles.sky[k]
    if top < first:
        for column in range(image.shape[1]):
            turns = (heading_rad + camera.bearing_rad[column]) / (2.0 * math.pi)
            image[top, column] = styles.walls[k, int((turns - math.floor(turns)) * SECTORS) % SECTORS]
        for row in range(top + 1, first):
            image[row] = image[top]


@kernel
def _rows_at(camera: StyledCamera, pitch_rad: float) -> RowProgram:
    share = (pitch_rad - PITCH_RAD[0]) / (PITCH_RAD[1] - PITCH_RAD[0])
    pitch = int(share * (_PITCHES - 1) + 0.5)
    return RowProgram(
        camera.first[pitch],
        camera.ahead_m[pitch],
        camera.step_m[pitch],
        camera.level[pitch],
        camera.focal_px,
        camera.tilt[pitch, 0],
        camera.tilt[pitch, 1],
        camera.mount_m[0],
        camera.mount_m[1],
    )


@kernel
def _add_spots(
    pattern: npt.NDArray[np.int8],
    strength: float,
    rows: RowProgram,
    pose: tuple[float, float, float],
    image: Bytes,
) -> None:
    """Add spots to the ground that fade away; `pose` is relative to the corner of the pattern."""
    height, width = image.shape
    x_m, y_m, heading_rad = pose
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    spots, age = np.empty(width, np.float32), 0
    for row in range(rows.first, height):
        if rows.level[row] < _SPOT_LEVELS:
            if age % _STRIDE_ROWS == 0:
                ahead, step = rows.ahead_m[row], rows.step_m[row]
                left = (width - 1) / 2.0 * step
                line = x_m + ahead * cos - left * sin, y_m + ahead * sin + left * cos, step * sin, -step * cos
                _look_up(pattern, strength * (1.0 - rows.level[row] / _SPOT_LEVELS), line, spots)
            add_to_row(spots, image[row])
            age += 1


@kernel
def _look_up(
    pattern: npt.NDArray[np.int8], strength: float, line: tuple[float, float, float, float], spots: Floats
) -> None:
    """Spots of a row `[width]` along a line on the ground: x, y of its first pixel, and the way to the next (m)."""
    x, y, dx, dy = line
    before = np.float32(0.0)
    for column in range(0, spots.shape[0] + 1, _STRIDE_COLUMNS):
        i, j = math.floor((x + column * dx) / CELL_M), math.floor((y + column * dy) / CELL_M)
        here = np.float32(strength * pattern[j & (PATTERN_CELLS - 1), i & (PATTERN_CELLS - 1)])
        if column:
            slope = (here - before) / np.float32(_STRIDE_COLUMNS)
            for n in range(_STRIDE_COLUMNS):
                spots[column - _STRIDE_COLUMNS + n] = before + slope * np.float32(n)
        before = here
