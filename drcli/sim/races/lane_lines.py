"""The lines that bot cars drive on: cubic splines through the middles of both lanes, by distance on the centre line."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from drcli.sim.track import INNER_LANE, OUTER_LANE, Array, Track

_STEP_M = 0.02


class LaneLines(NamedTuple):
    """Points of both lanes at equal distances along the centre line; a first index of 2 means track order, reversed."""

    points: Array  # [2, 2, N, 2] m: way, inner and outer lane
    step_m: float  # between two of them
    length_m: float
    is_loop: bool

    def at(self, way: np.ndarray, lane: np.ndarray, along_m: Array) -> tuple[Array, Array]:
        """Points and their derivatives by the distance, `[..., 2]` each.

        Args:
            way: 1 where driven against the track's order.
            lane: INNER_LANE or OUTER_LANE.
            along_m: from the first waypoint in driving direction; a loop continues past its length.
        """
        along_m = along_m % self.length_m if self.is_loop else np.clip(along_m, 0.0, self.length_m)
        place = along_m / self.step_m
        before = np.minimum(place.astype(np.int64), self.points.shape[2] - 2)
        column = np.where(lane == INNER_LANE, 0, 1)
        first, second = self.points[way, column, before], self.points[way, column, before + 1]
        change = second - first
        return first + (place - before)[..., None] * change, change / self.step_m


@lru_cache(maxsize=16)
def lane_lines(track: Track) -> LaneLines:
    """The lines of a track, shared by all its races."""
    count = max(int(np.ceil(track.length_m / _STEP_M)), 2)
    along_m = np.linspace(0.0, track.length_m, count + 1)
    ways = [
        [_line(way, lane, along_m) for lane in (INNER_LANE, OUTER_LANE)] for way in (track, track.reversed())
    ]
    return LaneLines(np.array(ways), track.length_m / count, track.length_m, track.is_loop)


def _line(way: Track, lane: int, along_m: Array) -> Array:
    from scipy.interpolate import CubicSpline

    border = way.inner if lane == INNER_LANE else way.outer
    distance_m = way.waypoint_distances_m
    new = np.concatenate([[True], np.diff(distance_m) > 1e-9])  # routes contain points twice
    middle = ((way.center + border) / 2.0)[new]
    if way.is_loop:
        middle[-1] = middle[0]
    spline = CubicSpline(distance_m[new], middle, bc_type="periodic" if way.is_loop else "not-a-knot")
    return np.asarray(spline(along_m), np.float64)
