"""Barrel distortion of lenses, as tables that say from which pixel of an undistorted picture each pixel comes."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from drcli.sim.sensors.picture_styles import LENS, LENSES


@cache
def lens_tables(height: int, width: int) -> npt.NDArray[np.int32]:
    """Indices into a picture's pixels, row by row, `[LENSES, height, width]`; the first lens distorts nothing.

    A pixel at distance r from the middle (1 at the middle of the left edge) shows what a pinhole sees at
    r (1 + k r²) / (1 + k): the sides stay where they are, the middle is larger, and corners repeat what is at the edge.
    """
    half = width / 2.0
    row, column = np.mgrid[:height, :width] + 0.5
    x, y = (column - half) / half, (row - height / 2.0) / half
    tables = []
    for k in np.linspace(*LENS, LENSES):
        scale = (1.0 + k * (x**2 + y**2)) / (1.0 + k)
        rows = np.clip(y * scale * half + height / 2.0, 0, height - 1).astype(np.int32)
        columns = np.clip(x * scale * half + half, 0, width - 1).astype(np.int32)
        tables.append(rows * width + columns)
    return np.asarray(tables, np.int32)
