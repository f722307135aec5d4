"""The kernel of `RoadAhead`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from drcli.sim.car_arrays import Array, Block, Bools
from drcli.sim.geometry import Road
from drcli.sim.kernel import kernel


@kernel
def look_ahead(
    road: Road, ahead_m: Array, at: Block, is_reversed: Bools, seen: Bools, out: npt.NDArray[Any]
) -> None:
    """Fill the rows of `out` of the cars with `seen` set; `at` is the block of their `Telemetry`."""
    for k in range(seen.shape[0]):
        if seen[k]:
            _look_ahead(road, ahead_m, at[k], 1 if is_reversed[k] else 0, out[k])


@kernel
def _look_ahead(road: Road, ahead_m: Array, at: Any, way: int, out: npt.NDArray[Any]) -> None:
    heading, along = math.radians(at.heading_deg), at.projection_distance_m
    half_width = at.track_width_m / 2.0
    out[0] = at.distance_from_center_m / half_width * (1.0 if at.is_left_of_center else -1.0)
    error = _center_heading(road, way, along) - heading
    out[1], out[2], out[3] = math.sin(error), math.cos(error), half_width
    cos, sin = math.cos(heading), math.sin(heading)
    for i in range(ahead_m.shape[0]):
        x, y = _center_point(road, way, along + ahead_m[i])
        x, y = x - at.x_m, y - at.y_m
        out[4 + 2 * i], out[5 + 2 * i] = cos * x + sin * y, cos * y - sin * x


@kernel
def _center_heading(road: Road, way: int, along_m: float) -> float:
    return float(road.heading_rad[way, _segment(road, way, along_m)])


@kernel
def _center_point(road: Road, way: int, along_m: float) -> tuple[float, float]:
    """The point of the centre line at a distance in driving direction; a loop continues past its length."""
    along_m = along_m % road.length_m if road.is_loop else min(along_m, road.length_m)
    before = _segment(road, way, along_m)
    start_m, end_m = road.distance_m[way, before], road.distance_m[way, before + 1]
    share = (along_m - start_m) / (end_m - start_m) if end_m > start_m else 0.0
    last = road.center.shape[0] - 1
    a, b = (last - before, last - before - 1) if way else (before, before + 1)
    return (
        road.center[a, 0] + share * (road.center[b, 0] - road.center[a, 0]),
        road.center[a, 1] + share * (road.center[b, 1] - road.center[a, 1]),
    )


@kernel
def _segment(road: Road, way: int, along_m: float) -> int:
    """The segment, in driving direction, in which a distance lies."""
    after = int(np.searchsorted(road.distance_m[way], along_m, side="right"))
    return int(min(max(after, 1), road.center.shape[0] - 1)) - 1
