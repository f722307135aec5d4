"""Boxes and cars that a race may put on the road, still or moving, as sensors see them. Only data, no numba."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.track import Array


class Boxes(NamedTuple):
    """M boxes for each of K cars, which share nothing: arrays `[K, M]`. A box that is not placed has NaN as x and y."""

    x_m: Array  # centre of its ground area
    y_m: Array
    heading_rad: Array  # of its length
    length_m: Array
    width_m: Array
    height_m: Array
    grey: npt.NDArray[np.uint8]  # of its top; sides are darker
    is_car: npt.NDArray[np.bool_]  # drawn as a car of that size: wheels, shell and cabin


def new_boxes(num_envs: int, count: int) -> Boxes:
    """`count` boxes per car, none of them placed."""
    x, y, heading, length, width, height = np.full((6, num_envs, count), np.nan)
    grey, is_car = np.zeros((num_envs, count), np.uint8), np.zeros((num_envs, count), np.bool_)
    return Boxes(x, y, heading, length, width, height, grey, is_car)
