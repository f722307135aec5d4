"""Closed lines along a road, by how far they are beside its centre line."""

from __future__ import annotations

import numpy as np

from drcli.sim.racing_line import every_point, stations
from drcli.sim.track import Array, Track

_LEAVE_M = 1.5  # a car that leaves the road is beside it after so many metres


def beside(track: Track, left: float | Array) -> Array:
    """A line beside the centre line: `left` is a share of the width, the same everywhere or for each station `[S]`."""
    rows = stations(track)
    borders = rows[:, 2:4], rows[:, 4:6]
    towards_left = borders[0] - borders[1] if _is_inner_left(track) else borders[1] - borders[0]
    return every_point(rows[:, :2] + np.broadcast_to(left, len(rows))[:, None] * towards_left)


def leaving(track: Track, share: float) -> Array:
    """The centre line up to a share of the lap, from there straight across the border."""
    at = np.linspace(0.0, track.length_m, len(stations(track)), endpoint=False)
    return beside(track, np.clip((at - share * track.length_m) / _LEAVE_M, 0.0, 2.5))


def _is_inner_left(track: Track) -> bool:
    heading = track.pose_at(0.0)[2]
    to_inner = track.inner[0] - track.center[0]
    return bool(np.cos(heading) * to_inner[1] - np.sin(heading) * to_inner[0] > 0.0)
