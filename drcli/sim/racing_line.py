"""Smooth lines on a road and the speeds that suit them: for reference laps, and where an optimiser begins.

Points are in driving order; a line is closed and does not repeat its first point.
"""

from __future__ import annotations

import math

import numpy as np

from drcli.sim.track import Array, Track

POINT_M = 0.02  # between points of a line
_STATION_M = 0.12
_BRAKE_MPS2 = 6.0
_REACH = 12  # points, over which curvature is measured


def stations(track: Track) -> Array:
    """`[S, 6]`: centre, inner and outer points at equal steps along the centre line; the last is not the first."""
    at = track.waypoint_distances_m
    kept = np.concatenate([[True], np.diff(at) > 0.0])
    wanted = np.linspace(0.0, track.length_m, round(track.length_m / _STATION_M), endpoint=False)
    return np.column_stack([np.interp(wanted, at[kept], column) for column in track.rows[kept].T])


def smooth_line(track: Track, shortness: float, margin_m: float = 0.12) -> Array:
    """`[M, 2]`: a closed line that bends little, every 2 cm: bounded least squares over its place on each station.

    `shortness`: weight of a short line against a smooth one; the line stays `margin_m` inside the borders.
    """
    from scipy.optimize import lsq_linear  # takes a while

    rows = stations(track)
    inner, across = rows[:, 2:4], rows[:, 4:6] - rows[:, 2:4]
    here = np.eye(len(rows))
    before, after = np.roll(here, 1, axis=0), np.roll(here, -1, axis=0)
    cost = np.vstack([after - 2.0 * here + before, shortness * (after - here)])
    wanted = -np.concatenate([cost @ inner[:, 0], cost @ inner[:, 1]])
    margin = margin_m / track.width_m
    share = lsq_linear(
        np.vstack([cost * across[:, 0], cost * across[:, 1]]), wanted, (margin, 1.0 - margin)
    ).x
    return every_point(inner + share[:, None] * across)


def every_point(corners: Array) -> Array:
    """`[M, 2]`: the closed line through `corners`, every 2 cm."""
    closed = np.vstack([corners, corners[:1]])
    at = np.concatenate([[0.0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    wanted = np.linspace(0.0, at[-1], int(at[-1] / POINT_M), endpoint=False)
    return np.column_stack([np.interp(wanted, at, column) for column in closed.T])


def speeds_on(line: Array, max_speed_mps: float, lateral_mps2: float) -> Array:
    """`[M]` m/s: what bends allow, and braking for them."""
    before, after = line - np.roll(line, _REACH, axis=0), np.roll(line, -_REACH, axis=0) - line
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1))
    curvature = np.maximum(np.abs(turn) / (_REACH * POINT_M), 1e-6)
    speeds = np.minimum(np.sqrt(lateral_mps2 / curvature), max_speed_mps)
    for k in [*range(len(speeds) - 1, -1, -1)] * 2:
        after_mps = speeds[(k + 1) % len(speeds)]
        speeds[k] = min(speeds[k], math.sqrt(after_mps**2 + 2.0 * _BRAKE_MPS2 * POINT_M))
    return np.asarray(speeds)
