"""Measures K cars on the track: one kernel that fills a `Telemetry`. It does not decide which rule ends an episode."""

from __future__ import annotations

import math

import numpy as np

from drcli.contract.episode import Status
from drcli.sim.car_arrays import Block, Bools
from drcli.sim.car_dynamics import CarState
from drcli.sim.constants import IMMOBILE_M, IMMOBILE_STEPS, NOSE_M, WHEELS_M
from drcli.sim.geometry import Road, locate, on_road, progress_percent
from drcli.sim.kernel import kernel

_WHEELS_M = np.array(WHEELS_M)
_IN_PROGRESS, _OFF_TRACK = Status.IN_PROGRESS.code, Status.OFF_TRACK.code
_IMMOBILIZED, _REVERSED = Status.IMMOBILIZED.code, Status.REVERSED.code


@kernel
def measure(
    road: Road,
    cars: CarState,
    history: Block,
    reverse_limit: int,
    seen: Bools,
    running: bool,
    out: Block,
) -> None:
    """Measure the cars with `seen` set; standing still and losing progress count only while `running`.

    `history` and `out` are the blocks of a `CarHistory` and a `Telemetry`. `reverse_limit`: steps in a row of falling
    progress that make a car `reversed`.
    """
    for k in range(seen.shape[0]):
        if seen[k]:
            history[k].progress_before = out[k].progress
            _measure_one(road, cars, history, k, out)
            _count(cars, history, k, running, out[k].progress)
            out[k].own_fault = _own_fault(history, k, reverse_limit, out[k].wheels_on_road)


@kernel
def _own_fault(history: Block, k: int, reverse_limit: int, wheels_on_road: int) -> int:
    """A car's own fault; once caught standing still or driving backwards, its counter restarts from 0."""
    is_still = history[k].still_steps >= IMMOBILE_STEPS
    is_driving_back = history[k].backward_steps >= reverse_limit
    if is_still:
        history[k].still_steps = 0
    if is_driving_back:
        history[k].backward_steps = 0
    if wheels_on_road == 0:
        return _OFF_TRACK
    if is_still:
        return _IMMOBILIZED
    return _REVERSED if is_driving_back else _IN_PROGRESS


@kernel
def _measure_one(road: Road, cars: CarState, history: Block, k: int, out: Block) -> None:
    x, y, heading = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
    cos, sin = math.cos(heading), math.sin(heading)
    nose_x, nose_y = x + NOSE_M * cos, y + NOSE_M * sin
    is_reversed = history[k].is_reversed
    spot = locate(road, nose_x, nose_y, is_reversed)
    degrees = math.degrees(heading) % 360.0

    out[k].x_m, out[k].y_m = nose_x, nose_y
    out[k].heading_deg = degrees - 360.0 if degrees > 180.0 else degrees
    out[k].distance_from_center_m = spot.distance_from_center_m
    out[k].projection_distance_m = spot.ndist * road.length_m
    out[k].progress = progress_percent(spot.ndist, history[k].start_ndist, history[k].previous_progress)
    out[k].track_width_m = spot.track_width_m

    before, after = spot.prev_waypoint, spot.next_waypoint
    out[k].prev_waypoint, out[k].next_waypoint = before, after
    before_m = _waypoint_gap(road, before, is_reversed, nose_x, nose_y)
    after_m = _waypoint_gap(road, after, is_reversed, nose_x, nose_y)
    out[k].closest_waypoint = after if after_m < before_m else before
    out[k].is_left_of_center = spot.is_left_of_center
    wheels = 0
    for ahead, left in _WHEELS_M:
        wheels += on_road(road, x + ahead * cos - left * sin, y + ahead * sin + left * cos)
    out[k].wheels_on_road = wheels


@kernel
def _waypoint_gap(road: Road, index: int, is_reversed: bool, x: float, y: float) -> float:
    row = road.center.shape[0] - 1 - index if is_reversed else index
    return math.hypot(x - road.center[row, 0], y - road.center[row, 1])


@kernel
def _count(cars: CarState, history: Block, k: int, running: bool, progress: float) -> None:
    moved_m = math.hypot(cars.x_m[k] - history[k].x_m, cars.y_m[k] - history[k].y_m)
    history[k].x_before_m, history[k].y_before_m = history[k].x_m, history[k].y_m
    history[k].x_m, history[k].y_m = cars.x_m[k], cars.y_m[k]
    history[k].still_steps = history[k].still_steps + 1 if running and moved_m <= IMMOBILE_M else 0
    falls = running and progress < history[k].previous_progress
    history[k].backward_steps = history[k].backward_steps + 1 if falls else 0
    history[k].previous_progress = 0.0 if progress == 100.0 else progress
