"""What a race may put on the road: boxes that stand or move, as sensors see them. Data, and no numba."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.track import Array


class Boxes(NamedTuple):
    """M boxes for each of K cars, which share nothing: arrays `[K, M]`. One that is nowhere has NaN for x and y."""

    x_m: Array  # centre of its ground area
    y_m: Array
    heading_rad: Array  # of its length
    length_m: Array
    width_m: Array
    height_m: Array
    grey: npt.NDArray[np.uint8]  # of its top; sides are darker


def new_boxes(num_envs: int, count: int) -> Boxes:
    """Room for `count` boxes a car, all nowhere."""
    x, y, heading, length, width, height = np.full((6, num_envs, count), np.nan)
    return Boxes(x, y, heading, length, width, height, np.zeros((num_envs, count), np.uint8))
