"""The field around a track: an upright rectangle of ground, with a wall 1 m high along its border. No numba.

Measured on the meshes of the community's worlds reinvent_base and reInvent2019_track, where its sides are 1.25 to
1.34 m beyond the centre line; taken as 1.3 m on all tracks.
"""

from __future__ import annotations

from typing import NamedTuple

from drcli.sim.track import Track

FIELD_MARGIN_M = 1.3  # beyond the centre line
WALL_HEIGHT_M = 1.0


class Field(NamedTuple):
    """Its sides, in metres."""

    x_low_m: float
    y_low_m: float
    x_high_m: float
    y_high_m: float


def field_of(track: Track) -> Field:
    """The field around a track."""
    low, high = track.center.min(axis=0) - FIELD_MARGIN_M, track.center.max(axis=0) + FIELD_MARGIN_M
    return Field(float(low[0]), float(low[1]), float(high[0]), float(high[1]))
