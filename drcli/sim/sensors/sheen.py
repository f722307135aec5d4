"""The sun's sheen on the road, by where a camera looks: a table, worked out once for a camera. No numba.

Fitted to recorded pictures of reinvent_base: a reflection as that of Blinn (1977, half vectors), from a sun 42° high
on the side of the x axis. Field and lines show none.
"""

from __future__ import annotations

import math

import numpy as np

from drcli.sim.constants import CameraParams
from drcli.sim.sensors.ground_raster import Bytes

SHEEN_TURNS, SHEEN_BANDS = 64, 15  # headings of the car, bands of rows
_SUN_BEARING_RAD, _SUN_HEIGHT_RAD = math.radians(-11.4), math.radians(42.1)
_SHARPNESS = 9.1


def sheen_table(camera: CameraParams, strength: float) -> Bytes:
    """Grey levels that the road gains, `[SHEEN_TURNS, SHEEN_BANDS, columns]`; headings count up from the x axis."""
    heading = np.arange(SHEEN_TURNS)[:, None, None] * (2.0 * math.pi / SHEEN_TURNS)
    band_px = camera.height_px / SHEEN_BANDS
    down = ((np.arange(SHEEN_BANDS) + 0.5) * band_px - camera.height_px / 2)[:, None]
    right = np.arange(camera.width_px) + 0.5 - camera.width_px / 2
    sin, cos = math.sin(camera.pitch_rad), math.cos(camera.pitch_rad)
    ahead, fall = camera.focal_px * cos - down * sin, camera.focal_px * sin + down * cos
    gaze = np.stack(
        np.broadcast_arrays(
            ahead * np.cos(heading) + right * np.sin(heading),
            ahead * np.sin(heading) - right * np.cos(heading),
            -fall,
        )
    )
    low = math.cos(_SUN_HEIGHT_RAD)
    sun = np.array(
        [low * math.cos(_SUN_BEARING_RAD), low * math.sin(_SUN_BEARING_RAD), math.sin(_SUN_HEIGHT_RAD)]
    )
    half = sun[:, None, None, None] - gaze / np.linalg.norm(gaze, axis=0)
    upright = np.clip(half[2] / np.linalg.norm(half, axis=0), 0.0, 1.0)
    return np.asarray(np.rint(strength * upright**_SHARPNESS), np.uint8)
