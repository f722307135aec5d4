"""Where on the track a step is, and what laps did in parts of it: turns and straights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from drcli.sim.track import Array, Track, project
from drcli.watch.recordings.recorded_episode import RecordedEpisode

_SMOOTH_M, _TURN_RAD_PER_M, _SHORTEST_M = 0.6, 0.22, 0.7


@dataclass(frozen=True)
class Section:
    """A turn or a straight: from and to in metres along the centre line; it may pass the start."""

    name: str
    start_m: float
    end_m: float


def positions_m(track: Track, rows: Array) -> Array:
    """`[T]` distance along the centre line of each step, counted on past the start line. rows: `[T, 2]` x, y (m)."""
    feet, gaps = project(rows, track.center)
    nearest = gaps.argmin(axis=1)
    foot = feet[np.arange(len(rows)), nearest]
    along = track.waypoint_distances_m[nearest] + np.hypot(*(foot - track.center[nearest]).T)
    return np.asarray(np.unwrap(along, period=track.length_m) if track.is_loop else along, np.float64)


def lap_clock(track: Track, lap: RecordedEpisode) -> tuple[Array, Array]:
    """Positions (m, never falling) and times (s from the reset) of a lap's steps, its start included."""
    rows = lap.driven
    at = np.maximum.accumulate(positions_m(track, np.stack([rows["X"], rows["Y"]], axis=1)))
    times = rows["tstamp"] - lap.began_s
    return np.concatenate([at[:1], at]), np.concatenate([[0.0], times])


def sections(track: Track) -> list[Section]:
    """The turns and straights of a track in driving order, by the bend of its centre line."""
    points = np.arange(0.0, track.length_m, 0.1)
    heading = np.unwrap([track.pose_at(at / track.length_m)[2] for at in points])
    bend = np.gradient(heading, 0.1)
    width = max(1, round(_SMOOTH_M / 0.1))
    padded = (
        np.concatenate([bend[-width:], bend, bend[:width]])
        if track.is_loop
        else np.pad(bend, width, mode="edge")
    )
    bend = np.convolve(padded, np.ones(width) / width, mode="same")[width:-width]
    kinds = np.where(bend > _TURN_RAD_PER_M, 1, np.where(bend < -_TURN_RAD_PER_M, -1, 0))
    counts = {1: 0, 0: 0, -1: 0}
    names = {1: "left", 0: "straight", -1: "right"}
    found = []
    for first, end in _runs(kinds):
        kind = int(kinds[first])
        counts[kind] += 1
        found.append(
            Section(f"{names[kind]} {counts[kind]}", float(points[first]), min(end * 0.1, track.length_m))
        )
    return found


def _runs(kinds: npt.NDArray[np.int_]) -> Iterator[tuple[int, int]]:
    """Stretches of the same kind; what is too short belongs to the one before it."""
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    first = 0
    for edge, after in pairwise(edges[1:]):
        is_long = min(edge - first, after - edge) * 0.1 >= _SHORTEST_M
        if is_long and kinds[edge] != kinds[first]:
            yield first, edge
            first = edge
    yield first, len(kinds)


def section_of(parts: Sequence[Section], at_m: Array, length_m: float) -> npt.NDArray[np.intp]:
    """`[T]` index of the section of each position."""
    starts = np.array([part.start_m for part in parts])
    return np.asarray(np.searchsorted(starts, at_m % length_m, side="right") - 1, np.intp)
