"""Where each row of the front camera's picture looks on the ground, worked out once for a camera. No numba."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_arrays import Array
from drcli.sim.constants import CameraParams
from drcli.sim.sensors.ground_raster import Ground


class RowProgram(NamedTuple):
    """Where each image row looks on the ground, ahead of the car's origin: arrays `[rows]`; and how the camera sits."""

    first: int  # the rows above it do not see the ground
    ahead_m: Array
    step_m: Array  # between two pixels, to the right
    level: npt.NDArray[np.int64]  # of the mip pyramid
    focal_px: float
    sin: float  # of the pitch
    cos: float
    forward_m: float
    height_m: float


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
    return RowProgram(
        first,
        camera.forward_m + ahead(middle),
        step,
        level,
        camera.focal_px,
        sin,
        cos,
        camera.forward_m,
        camera.height_m,
    )
