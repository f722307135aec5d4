"""Where a car is on the road: numba kernels for one point, exact (equal to a search over all segments).

`road_of(track)` prepares the search once: for every cell of a grid, the centre-line segments that can be
nearest there; for every such segment, the border segments that can be nearest; for every grid row, the border
segments in it. Definitions follow the community's simapp (markov, track_geom/track_data.py).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.kernel import kernel
from drcli.sim.track import Array, Track, project

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Foot = tuple[int, float, float, float, float]  # segment, share along it, x, y, squared distance

_CELL_M = 0.2
_MAX_CELLS = 40_000
_MARGIN_M = (
    0.6  # a car with all wheels off is still in the grid; the search is slower for points further away
)
_SLACK_M = 1e-9


class Candidates(NamedTuple):
    """Lists of segments: those of row r are `segment[first[r]:first[r + 1]]`, ascending."""

    first: Ints
    segment: Ints


class Grid(NamedTuple):
    """Square cells from a lower left corner."""

    x_m: float
    y_m: float
    cell_m: float
    columns: int
    rows: int


class Road(NamedTuple):
    """A track prepared for lookups; a first index of 2 means track order, reversed."""

    center: Array  # [N, 2] m
    inner: Array  # [N, 2] m
    outer: Array  # [N, 2] m
    distance_m: Array  # [2, N] of each waypoint from the first one
    heading_rad: Array  # [2, N - 1] of each segment
    length_m: float
    is_loop: bool
    is_ccw: bool  # in track order
    border: Array  # [S, 4] x, y of start and end of every edge of the road
    grid: Grid
    near_cell: Candidates
    inner_near: Candidates
    outer_near: Candidates
    border_in_row: Candidates


class RoadPosition(NamedTuple):
    """Where a point is on the road, in driving direction."""

    ndist: float  # 0 … 1 along the centre line from its first waypoint
    distance_from_center_m: float
    prev_waypoint: int
    next_waypoint: int
    track_width_m: float
    is_left_of_center: bool
    heading_rad: float  # of the centre line


@kernel
def locate(road: Road, x: float, y: float, is_reversed: bool) -> RoadPosition:
    """Project one point (m) on the road; `is_reversed`: the car drives against track order."""
    segment, share, foot_x, foot_y, square = _nearest_center(road, x, y)
    along = _between(road.distance_m[0], segment, share)
    way = 0
    if is_reversed:
        way, along = 1, road.length_m - along
    if road.is_loop and along >= road.length_m:
        along = 0.0
    points = road.center.shape[0]
    after = int(np.searchsorted(road.distance_m[way], along, side="right"))  # bisect_right, as simapp does
    heading = road.heading_rad[way, min(after - 1, points - 2)]

    _, _, in_x, in_y, _ = _nearest(road.inner, road.inner_near, segment, foot_x, foot_y)
    _, _, out_x, out_y, _ = _nearest(road.outer, road.outer_near, segment, foot_x, foot_y)
    nearer_inner = math.hypot(in_x - x, in_y - y) < math.hypot(out_x - x, out_y - y)
    return RoadPosition(
        along / road.length_m,
        math.sqrt(square),
        after - 1,
        after if after < points else 0,
        math.hypot(in_x - out_x, in_y - out_y),
        nearer_inner == (road.is_ccw != is_reversed),
        heading,
    )


@kernel
def on_road(road: Road, x: float, y: float) -> bool:
    """Whether a point (m) is strictly inside the road: between the borders, not on one."""
    grid = road.grid
    row = (y - grid.y_m) / grid.cell_m
    if not 0.0 <= row < grid.rows or math.isnan(x):
        return False
    first = road.border_in_row.first
    inside = False
    for k in range(first[int(row)], first[int(row) + 1]):
        edge = road.border_in_row.segment[k]
        ay, by = road.border[edge, 1], road.border[edge, 3]
        straddles = (ay > y) != (by > y)
        if not straddles and y != ay and y != by:
            continue
        ax, bx = road.border[edge, 0], road.border[edge, 2]
        side = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        if side == 0.0 and min(ax, bx) <= x <= max(ax, bx):
            return False
        if straddles and (side > 0.0) == (by > ay):
            inside = not inside
    return inside


@kernel
def progress_percent(ndist: float, start_ndist: float, previous: float) -> float:
    """Progress of a lap that began at `start_ndist`, given that of the previous step (0 in a lap's first step).

    As in simapp's agent_ctrl/utils.py: behind the start it is negative, not 99; it never exceeds 100.
    """
    progress = 100.0 * (ndist - start_ndist)
    if progress <= 0.0:
        progress += 100.0
    if previous > progress + 50.0:
        progress += 100.0
    if progress > previous + 50.0:
        progress -= 100.0
    return min(progress, 100.0)


@kernel
def _nearest_center(road: Road, x: float, y: float) -> Foot:
    grid = road.grid
    column, row = (x - grid.x_m) / grid.cell_m, (y - grid.y_m) / grid.cell_m
    if 0.0 <= column < grid.columns and 0.0 <= row < grid.rows:
        return _nearest(road.center, road.near_cell, int(row) * grid.columns + int(column), x, y)
    best = (0, 0.0, x, y, math.inf)
    for segment in range(road.center.shape[0] - 1):
        best = _nearer(road.center, segment, x, y, best)
    return best


@kernel
def _nearest(line: Array, near: Candidates, row: int, x: float, y: float) -> Foot:
    """The nearest of some segments; the first of equally near ones."""
    best = (0, 0.0, x, y, math.inf)
    for k in range(near.first[row], near.first[row + 1]):
        best = _nearer(line, near.segment[k], x, y, best)
    return best


@kernel
def _nearer(line: Array, segment: int, x: float, y: float, best: Foot) -> Foot:
    foot_x, foot_y = line[segment, 0], line[segment, 1]
    step_x, step_y = line[segment + 1, 0] - foot_x, line[segment + 1, 1] - foot_y
    along, square = (x - foot_x) * step_x + (y - foot_y) * step_y, step_x * step_x + step_y * step_y
    share = 0.0
    if along >= square > 0.0:  # exactly the end point: it ties with the start of the next segment
        share, foot_x, foot_y = 1.0, line[segment + 1, 0], line[segment + 1, 1]
    elif along > 0.0:
        share = along / square
        foot_x += share * step_x
        foot_y += share * step_y
    gap = (x - foot_x) ** 2 + (y - foot_y) ** 2
    return (segment, share, foot_x, foot_y, gap) if gap < best[4] else best


@kernel
def _between(values: Array, index: int, share: float) -> float:
    if share == 1.0:
        return float(values[index + 1])
    return float(values[index] + share * (values[index + 1] - values[index]))


@lru_cache(maxsize=16)
def road_of(track: Track) -> Road:
    """Prepare a track for lookups: a few milliseconds, once for all that drive on it."""
    distance = track.waypoint_distances_m
    middle, half = (track.center[:-1] + track.center[1:]) / 2, np.diff(distance) / 2
    grid = _grid(track)
    edges = _edges(track)
    return Road(
        center=track.center.copy(),
        inner=track.inner.copy(),
        outer=track.outer.copy(),
        distance_m=np.stack([distance, distance[-1] - distance[::-1]]),
        heading_rad=np.stack([_headings(track.center), _headings(track.center[::-1])]),
        length_m=track.length_m,
        is_loop=track.is_loop,
        is_ccw=track.is_ccw,
        border=edges,
        grid=grid,
        near_cell=_near_cells(track.center, grid),
        inner_near=_candidates(_can_be_nearest(middle, half, track.inner)),
        outer_near=_candidates(_can_be_nearest(middle, half, track.outer)),
        border_in_row=_candidates(_in_row(edges, grid)),
    )


def _headings(line: Array) -> Array:
    step = np.diff(line, axis=0)
    return np.asarray(np.arctan2(step[:, 1], step[:, 0]))


def _grid(track: Track) -> Grid:
    points = np.concatenate([track.center, track.inner, track.outer])
    low, high = points.min(axis=0) - _MARGIN_M, points.max(axis=0) + _MARGIN_M
    width, height = high - low
    cell = max(_CELL_M, math.sqrt(width * height / _MAX_CELLS))
    return Grid(float(low[0]), float(low[1]), cell, math.ceil(width / cell), math.ceil(height / cell))


def _edges(track: Track) -> Array:
    """Every edge of the road: both borders; an open road is closed at its two ends."""
    lines = [track.inner, track.outer]
    if not track.is_loop:
        lines += [np.stack([track.inner[end], track.outer[end]]) for end in (0, -1)]
    return np.concatenate([np.hstack([line[:-1], line[1:]]) for line in lines])


def _near_cells(line: Array, grid: Grid) -> Candidates:
    x = grid.x_m + (np.arange(grid.columns) + 0.5) * grid.cell_m
    radius = np.full(grid.columns, grid.cell_m * math.sqrt(0.5))
    rows = [
        _can_be_nearest(
            np.column_stack([x, np.full_like(x, grid.y_m + (row + 0.5) * grid.cell_m)]), radius, line
        )
        for row in range(grid.rows)
    ]
    return _candidates(np.concatenate(rows))


def _can_be_nearest(points: Array, radius_m: Array, line: Array) -> Bools:
    """`[M, S]`: the segments that can be nearest to something within `radius_m` of each point.

    For p with |p - c| <= r, the segment nearest to p is at most 2r farther from c than the one nearest to c.
    """
    _, gap = project(points, line)
    return np.asarray(gap <= (gap.min(axis=1) + 2.0 * radius_m + _SLACK_M)[:, None])


def _in_row(edges: Array, grid: Grid) -> Bools:
    bottom = (grid.y_m + np.arange(grid.rows) * grid.cell_m)[:, None]
    low, high = np.minimum(edges[:, 1], edges[:, 3]), np.maximum(edges[:, 1], edges[:, 3])
    return np.asarray((high >= bottom - _SLACK_M) & (low <= bottom + grid.cell_m + _SLACK_M))


def _candidates(chosen: Bools) -> Candidates:
    first = np.concatenate([[0], chosen.sum(axis=1).cumsum()])
    return Candidates(first.astype(np.int32), np.nonzero(chosen)[1].astype(np.int32))
