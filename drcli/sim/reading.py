"""From a reading of one car to what users see of it: the dict of the reward function.

No numba in here, so that a command can try a reward function without waiting for a compiler.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from drcli.sim.params import NOSE_M
from drcli.sim.track import Array, Track, project

Params = dict[str, Any]


class Reading(NamedTuple):
    """One car on the track. Flags are 0 or 1; `World` reads it before the action moves the car."""

    x_m: float  # the nose: 0.14 m ahead of the car's origin, as all that follows
    y_m: float
    heading_deg: float  # (-180, 180]
    distance_from_center_m: float
    projection_distance_m: float  # along the centre line, from its first waypoint
    progress: float  # percent of the lap
    track_width_m: float
    prev_waypoint: int
    next_waypoint: int
    closest_waypoint: int  # the nearer of the two
    is_left_of_center: int
    wheels_on_road: int  # 0 to 4
    is_immobilized: int
    is_driving_back: int

    @property
    def is_offtrack(self) -> bool:
        """Whether no wheel is left on the road."""
        return not self.wheels_on_road


class TrackFacts(NamedTuple):
    """What the reward function is told about the track, in driving direction."""

    length_m: float
    waypoints: list[tuple[float, float]]
    is_reversed: bool


def facts_of(track: Track, is_reversed: bool) -> TrackFacts:
    """Facts of a track driven in its own order, or against it."""
    center = (track.reversed() if is_reversed else track).center
    return TrackFacts(track.length_m, [(x, y) for x, y in center.tolist()], is_reversed)


class Action(NamedTuple):
    """What the driver asked for, unclipped."""

    steering_deg: float
    speed_mps: float
    label: int | str  # index, or "[steering speed]"


def reward_params(at: Reading, action: Action, facts: TrackFacts, steps: int, time_s: float) -> Params:
    """A fresh dict for `reward_function`: the keys of the AWS DeepRacer guide and those simapp adds.

    Metres, degrees, m/s, percent; `steps` counts from 1 with the prepare step; `time_s` is simulated.
    """
    return {
        "all_wheels_on_track": at.wheels_on_road == 4,
        "x": at.x_m,
        "y": at.y_m,
        "heading": at.heading_deg,
        "distance_from_center": at.distance_from_center_m,
        "projection_distance": at.projection_distance_m,
        "progress": at.progress,
        "steps": float(steps),
        "speed": action.speed_mps,
        "steering_angle": action.steering_deg,
        "track_width": at.track_width_m,
        "track_length": facts.length_m,
        "waypoints": facts.waypoints.copy(),
        "closest_waypoints": [at.prev_waypoint, at.next_waypoint],
        "is_left_of_center": at.is_left_of_center == 1,
        "is_reversed": facts.is_reversed,
        "is_crashed": False,
        "is_offtrack": at.wheels_on_road == 0,
        "closest_objects": [0, 0],
        "objects_location": [],
        "objects_left_of_center": [],
        "objects_speed": [],
        "objects_heading": [],
        "objects_distance_from_center": [],
        "objects_distance": [],
        "object_in_camera": False,
        "sim_time": time_s,
    }


def start_reading(track: Track) -> Reading:
    """The first reading of a car on the start line."""
    x, y, heading = track.pose_at(0.0)
    nose = np.array([x + NOSE_M * math.cos(heading), y + NOSE_M * math.sin(heading)])
    foot, segment, gap_m = _nearest(nose, track.center)
    along_m = float(track.waypoint_distances_m[segment] + np.hypot(*(foot - track.center[segment])))
    inner, outer = _nearest(foot, track.inner)[0], _nearest(foot, track.outer)[0]
    nearer_inner = np.hypot(*(inner - nose)) < np.hypot(*(outer - nose))
    before_m, after_m = (float(np.hypot(*(track.center[segment + i] - nose))) for i in (0, 1))
    return Reading(
        x_m=float(nose[0]),
        y_m=float(nose[1]),
        heading_deg=math.degrees(heading),
        distance_from_center_m=gap_m,
        projection_distance_m=along_m,
        progress=100.0 * along_m / track.length_m,
        track_width_m=float(np.hypot(*(inner - outer))),
        prev_waypoint=segment,
        next_waypoint=segment + 1,
        closest_waypoint=segment + (after_m < before_m),
        is_left_of_center=int(nearer_inner == track.is_ccw),
        wheels_on_road=4,
        is_immobilized=0,
        is_driving_back=0,
    )


def _nearest(point: Array, line: Array) -> tuple[Array, int, float]:
    feet, gaps = project(point[None], line)
    segment = int(gaps[0].argmin())
    return feet[0, segment], segment, float(gaps[0, segment])
