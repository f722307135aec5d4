"""A track: three lines of points in metres and what follows from them. NumPy only, so that commands start fast.

A community route is used unchanged, including duplicate waypoints, as the console's own traces count them.
The fast lookups of the simulator are in `drcli.sim.geometry`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pose = tuple[float, float, float]

INNER_LANE, OUTER_LANE = 1, -1


@dataclass(frozen=True, eq=False)
class Track:
    """Centre line and borders, `[N, 2]` each, x and y in metres, in driving order.

    A closed loop repeats its first row as its last. `inner` is the border of the infield in both directions.
    """

    name: str
    center: Array
    inner: Array
    outer: Array

    @classmethod
    def from_rows(cls, name: str, rows: Array) -> Track:
        """A track of `[N, 6]` rows: centre, inner, outer x and y, the columns of a community route."""
        center, inner, outer = (np.ascontiguousarray(rows[:, c : c + 2], dtype=np.float64) for c in (0, 2, 4))
        return cls(name, center, inner, outer)

    @cached_property
    def rows(self) -> Array:
        """`[N, 6]`: the track as a community route."""
        return np.hstack([self.center, self.inner, self.outer])

    @cached_property
    def is_loop(self) -> bool:
        """Whether the last row repeats the first."""
        return bool((self.rows[0] == self.rows[-1]).all())

    @cached_property
    def is_ccw(self) -> bool:
        """Whether driving order is counterclockwise; an open track's is if the inner border is on the left."""
        here = self.center if self.is_loop else np.vstack([self.center, self.inner[::-1], self.center[:1]])
        x, y = here.T
        return bool((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() > 0.0)

    @property
    def direction(self) -> str:
        """`ccw`, `cw` or `open`."""
        return "open" if not self.is_loop else "ccw" if self.is_ccw else "cw"

    @cached_property
    def waypoint_distances_m(self) -> Array:
        """`[N]`: distance of each waypoint from the first, along the centre line."""
        return np.concatenate([[0.0], np.hypot(*np.diff(self.center, axis=0).T).cumsum()])

    @property
    def length_m(self) -> float:
        """Length of the centre line."""
        return float(self.waypoint_distances_m[-1])

    @property
    def ndist(self) -> Array:
        """`[N]`: distance of each waypoint as a fraction of the length, 0 to 1."""
        return self.waypoint_distances_m / self.length_m

    @cached_property
    def width_m(self) -> float:
        """Mean `track_width` over all waypoints: the distance between the border points nearest to each."""
        inner, outer = (_nearest(self.center, border) for border in (self.inner, self.outer))
        return float(np.hypot(*(inner - outer).T).mean())

    def reversed(self) -> Track:
        """The same road driven the other way: points in the opposite order (DR_TRAIN_REVERSE_DIRECTION)."""
        return Track.from_rows(self.name, self.rows[::-1])

    def pose_at(self, ndist: float) -> Pose:
        """x, y (m) and heading (rad, towards the next waypoint) on the centre line; a loop continues past 1."""
        return self._center_line.pose_at(self._share(ndist) * self.length_m)

    def lane_pose_at(self, ndist: float, lane: int) -> Pose:
        """The pose on the inner (+1) or outer (-1) lane nearest to the centre line at `ndist`.

        A lane is the mean of border and centre line, point by point, as in the community's track_data.py.
        """
        line = self._lanes[lane]
        foot, gap = project(np.array([self.pose_at(ndist)[:2]]), line.points)
        segment = int(gap[0].argmin())
        before = line.length_m[:segment].sum()
        return line.pose_at(float(before + np.hypot(*(foot[0, segment] - line.points[segment]))))

    @cached_property
    def _center_line(self) -> _Line:
        return _Line.through(self.center)

    @cached_property
    def _lanes(self) -> dict[int, _Line]:
        borders = {INNER_LANE: self.inner, OUTER_LANE: self.outer}
        return {lane: _Line.through((self.center + border) / 2) for lane, border in borders.items()}

    def _share(self, ndist: float) -> float:
        return ndist % 1.0 if self.is_loop else min(max(ndist, 0.0), 1.0)


class _Line(NamedTuple):
    """A line of points, measured."""

    points: Array  # [N, 2] m
    step: Array  # [N - 1, 2] from each point to the next
    length_m: Array  # [N - 1] of it
    end_m: Array  # [N - 1] where on the line it ends
    last: int  # the last segment that has a length

    @classmethod
    def through(cls, points: Array) -> _Line:
        step = np.diff(points, axis=0)
        length_m = np.hypot(*step.T)
        return cls(points, step, length_m, length_m.cumsum(), int(length_m.nonzero()[0][-1]))

    def pose_at(self, distance_m: float) -> Pose:
        """x, y (m) and heading (rad) at `distance_m` along the line."""
        segment = min(int(np.searchsorted(self.end_m, distance_m, side="right")), self.last)
        share = (self.end_m[segment] - distance_m) / self.length_m[segment]
        x, y = self.points[segment + 1] - self.step[segment] * share
        return float(x), float(y), math.atan2(self.step[segment, 1], self.step[segment, 0])


def project(points: Array, line: Array) -> tuple[Array, Array]:
    """Nearest point on every segment of `line` to every point: feet `[M, S, 2]`, distances `[M, S]` (m)."""
    start, step = line[:-1], np.diff(line, axis=0)
    square = (step**2).sum(axis=1)
    along = ((points[:, None] - start) * step).sum(axis=2)
    share = np.clip(np.divide(along, square, out=np.zeros_like(along), where=square > 0.0), 0.0, 1.0)
    feet = start + share[..., None] * step
    return feet, np.hypot(*np.moveaxis(points[:, None] - feet, 2, 0))


def _nearest(points: Array, line: Array) -> Array:
    feet, gaps = project(points, line)
    return np.asarray(feet[np.arange(len(points)), gaps.argmin(axis=1)])
