"""What is known of K cars on the track at one moment: the numbers behind reward params, traces and rules.

Data, and no numba; `drcli.sim.telemetry_kernel` measures it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.constants import NOSE_M
from drcli.sim.track import Array, Track, project

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Telemetry(NamedTuple):
    """Arrays `[K]`. A step is rewarded and judged by what was measured before its action moved the car."""

    x_m: Array  # the nose: 0.14 m ahead of the car's origin, as all that follows
    y_m: Array
    heading_deg: Array  # (-180, 180]
    distance_from_center_m: Array
    projection_distance_m: Array  # along the centre line, from its first waypoint
    progress: Array  # percent of the lap
    track_width_m: Array
    prev_waypoint: Ints
    next_waypoint: Ints
    closest_waypoint: Ints  # the nearer of the two
    is_left_of_center: Bools
    wheels_on_road: Ints  # 0 to 4
    is_immobilized: Bools
    is_driving_back: Bools


class CarHistory(NamedTuple):
    """What the rules remember of each car: arrays `[K]`."""

    start_ndist: Array  # of its episode
    is_reversed: Bools
    previous_progress: Array  # 0 after a lap
    x_m: Array  # the car's origin when it was measured last
    y_m: Array
    x_before_m: Array  # the same, a step earlier
    y_before_m: Array
    progress_before: Array
    still_steps: Ints  # in a row, without moving
    backward_steps: Ints  # in a row, losing progress


def new_telemetry(count: int) -> Telemetry:
    """Room for `count` cars."""
    x, y, heading, gap, along, progress, width = np.zeros((7, count))
    before, after, closest, wheels = np.zeros((4, count), np.int64)
    left, immobilized, back = np.zeros((3, count), np.bool_)
    return Telemetry(
        *(x, y, heading, gap, along, progress, width, before, after, closest, left, wheels, immobilized, back)
    )


def new_history(count: int) -> CarHistory:
    """Room for `count` cars."""
    start, progress, *places = np.zeros((7, count))
    still, backward = np.zeros((2, count), np.int64)
    return CarHistory(start, np.zeros(count, np.bool_), progress, *places, still, backward)


def telemetry_at_start(track: Track) -> Telemetry:
    """Of one car on the start line; needs no kernel, so that a command need not wait for a compiler."""
    x, y, heading = track.pose_at(0.0)
    nose = np.array([x + NOSE_M * math.cos(heading), y + NOSE_M * math.sin(heading)])
    foot, segment, gap_m = _nearest(nose, track.center)
    along_m = float(track.waypoint_distances_m[segment] + np.hypot(*(foot - track.center[segment])))
    inner, outer = _nearest(foot, track.inner)[0], _nearest(foot, track.outer)[0]
    nearer_inner = bool(np.hypot(*(inner - nose)) < np.hypot(*(outer - nose)))
    before_m, after_m = (float(np.hypot(*(track.center[segment + i] - nose))) for i in (0, 1))
    at = new_telemetry(1)
    values = {
        "x_m": nose[0],
        "y_m": nose[1],
        "heading_deg": math.degrees(heading),
        "distance_from_center_m": gap_m,
        "projection_distance_m": along_m,
        "progress": 100.0 * along_m / track.length_m,
        "track_width_m": np.hypot(*(inner - outer)),
        "prev_waypoint": segment,
        "next_waypoint": segment + 1,
        "closest_waypoint": segment + (after_m < before_m),
        "is_left_of_center": nearer_inner == track.is_ccw,
        "wheels_on_road": 4,
    }
    for name, value in values.items():
        getattr(at, name)[0] = value
    return at


def _nearest(point: Array, line: Array) -> tuple[Array, int, float]:
    feet, gaps = project(point[None], line)
    segment = int(gaps[0].argmin())
    return feet[0, segment], segment, float(gaps[0, segment])
