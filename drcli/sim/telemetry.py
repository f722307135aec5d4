"""The state of K cars on the track at one moment: the numbers behind reward params, traces and rules.

Only data, no numba; `drcli.sim.telemetry_kernel` measures it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drcli.contract.episode import Status
from drcli.sim.car_arrays import Array, Block, Bools, Codes, Ints, new_arrays
from drcli.sim.constants import NOSE_M
from drcli.sim.track import Track, project


@dataclass(eq=False)
class Telemetry:
    """Arrays `[K]`. A step is rewarded and judged by what was measured before its action moves the car."""

    block: Block  # all fields below, by car
    x_m: Array  # the nose: 0.14 m ahead of the car's origin, like all fields below
    y_m: Array
    heading_deg: Array  # (-180, 180]
    distance_from_center_m: Array
    projection_distance_m: Array  # along the centre line, from its first waypoint
    progress: Array  # percent of the lap
    track_width_m: Array
    prev_waypoint: Ints
    next_waypoint: Ints
    closest_waypoint: Ints  # the nearer of the two
    wheels_on_road: Ints  # 0 to 4
    is_left_of_center: Bools
    own_fault: Codes  # OFF_TRACK, IMMOBILIZED, REVERSED: the first that applies; else IN_PROGRESS


@dataclass(eq=False)
class CarHistory:
    """What the rules remember about each car: arrays `[K]`."""

    block: Block  # all fields below, by car
    start_ndist: Array  # of its episode
    previous_progress: Array  # 0 after a lap
    x_m: Array  # the car's origin when last measured
    y_m: Array
    x_before_m: Array  # the same, a step earlier
    y_before_m: Array
    progress_before: Array
    still_steps: Ints  # in a row, without moving
    backward_steps: Ints  # in a row, losing progress
    is_reversed: Bools  # driven against the track's order


def telemetry_at_start(track: Track) -> Telemetry:
    """Telemetry of one car on the start line; uses no kernel, so that commands do not wait for a compiler."""
    x, y, heading = track.pose_at(0.0)
    nose = np.array([x + NOSE_M * math.cos(heading), y + NOSE_M * math.sin(heading)])
    foot, segment, gap_m = _nearest(nose, track.center)
    along_m = float(track.waypoint_distances_m[segment] + np.hypot(*(foot - track.center[segment])))
    inner, outer = _nearest(foot, track.inner)[0], _nearest(foot, track.outer)[0]
    nearer_inner = bool(np.hypot(*(inner - nose)) < np.hypot(*(outer - nose)))
    before_m, after_m = (float(np.hypot(*(track.center[segment + i] - nose))) for i in (0, 1))
    at = new_arrays(Telemetry, 1)
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
        "own_fault": Status.IN_PROGRESS.code,
    }
    for name, value in values.items():
        getattr(at, name)[0] = value
    return at


def _nearest(point: Array, line: Array) -> tuple[Array, int, float]:
    feet, gaps = project(point[None], line)
    segment = int(gaps[0].argmin())
    return feet[0, segment], segment, float(gaps[0, segment])
