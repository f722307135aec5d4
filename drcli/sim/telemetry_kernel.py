"""Measures K cars on the track: one kernel that fills a `Telemetry`. Which rule ends an episode is not decided here."""

from __future__ import annotations

import math

import numpy as np

from drcli.sim.car_dynamics import Bools, CarState
from drcli.sim.constants import IMMOBILE_M, IMMOBILE_STEPS, NOSE_M, WHEELS_M
from drcli.sim.geometry import Road, locate, on_road, progress_percent
from drcli.sim.kernel import kernel
from drcli.sim.telemetry import CarHistory, Telemetry

_WHEELS_M = np.array(WHEELS_M)


@kernel
def measure(
    road: Road,
    cars: CarState,
    history: CarHistory,
    reverse_limit: int,
    seen: Bools,
    running: bool,
    out: Telemetry,
) -> None:
    """Measure the cars with `seen` set; standing still and losing progress count only while `running`.

    `reverse_limit`: steps in a row of falling progress that make a car `reversed`.
    """
    for k in range(seen.shape[0]):
        if seen[k]:
            history.progress_before[k] = out.progress[k]
            _measure_one(road, cars, history, k, out)
            _count(cars, history, k, running, out.progress[k])
            out.is_immobilized[k] = history.still_steps[k] >= IMMOBILE_STEPS
            out.is_driving_back[k] = history.backward_steps[k] >= reverse_limit
            if out.is_immobilized[k]:
                history.still_steps[k] = 0
            if out.is_driving_back[k]:
                history.backward_steps[k] = 0


@kernel
def _measure_one(road: Road, cars: CarState, history: CarHistory, k: int, out: Telemetry) -> None:
    x, y, heading = cars.x_m[k], cars.y_m[k], cars.heading_rad[k]
    cos, sin = math.cos(heading), math.sin(heading)
    nose_x, nose_y = x + NOSE_M * cos, y + NOSE_M * sin
    is_reversed = history.is_reversed[k]
    spot = locate(road, nose_x, nose_y, is_reversed)
    degrees = math.degrees(heading) % 360.0

    out.x_m[k], out.y_m[k] = nose_x, nose_y
    out.heading_deg[k] = degrees - 360.0 if degrees > 180.0 else degrees
    out.distance_from_center_m[k] = spot.distance_from_center_m
    out.projection_distance_m[k] = spot.ndist * road.length_m
    out.progress[k] = progress_percent(spot.ndist, history.start_ndist[k], history.previous_progress[k])
    out.track_width_m[k] = spot.track_width_m

    before, after = spot.prev_waypoint, spot.next_waypoint
    out.prev_waypoint[k], out.next_waypoint[k] = before, after
    before_m = _waypoint_gap(road, before, is_reversed, nose_x, nose_y)
    after_m = _waypoint_gap(road, after, is_reversed, nose_x, nose_y)
    out.closest_waypoint[k] = after if after_m < before_m else before
    out.is_left_of_center[k] = spot.is_left_of_center
    wheels = 0
    for ahead, left in _WHEELS_M:
        wheels += on_road(road, x + ahead * cos - left * sin, y + ahead * sin + left * cos)
    out.wheels_on_road[k] = wheels


@kernel
def _waypoint_gap(road: Road, index: int, is_reversed: bool, x: float, y: float) -> float:
    row = road.center.shape[0] - 1 - index if is_reversed else index
    return math.hypot(x - road.center[row, 0], y - road.center[row, 1])


@kernel
def _count(cars: CarState, history: CarHistory, k: int, running: bool, progress: float) -> None:
    moved_m = math.hypot(cars.x_m[k] - history.x_m[k], cars.y_m[k] - history.y_m[k])
    history.x_before_m[k], history.y_before_m[k] = history.x_m[k], history.y_m[k]
    history.x_m[k], history.y_m[k] = cars.x_m[k], cars.y_m[k]
    history.still_steps[k] = history.still_steps[k] + 1 if running and moved_m <= IMMOBILE_M else 0
    falls = running and progress < history.previous_progress[k]
    history.backward_steps[k] = history.backward_steps[k] + 1 if falls else 0
    history.previous_progress[k] = 0.0 if progress == 100.0 else progress
