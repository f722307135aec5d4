"""The dict passed to `reward_function`: the keys of the AWS DeepRacer guide and those that simapp adds. No numba."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from drcli.sim.constants import STEP_S
from drcli.sim.step import Step
from drcli.sim.telemetry import telemetry_at_start
from drcli.sim.track import Track

Params = dict[str, Any]


class TrackFacts(NamedTuple):
    """What the reward function gets to know about the track, in driving direction."""

    length_m: float
    waypoints: list[tuple[float, float]]
    is_reversed: bool


class StepNumbers(Protocol):
    """What params are made from, by car; a `Step`, for example, which explains them."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...  # noqa: D102

    @property
    def actions(self) -> Sequence[Sequence[float]]: ...  # noqa: D102

    @property
    def numbers(self) -> Sequence[int]: ...  # noqa: D102

    @property
    def time_s(self) -> Sequence[float]: ...  # noqa: D102

    @property
    def began_s(self) -> Sequence[float]: ...  # noqa: D102


def facts_of(track: Track, is_reversed: bool) -> TrackFacts:
    """Facts of a track driven in the order of its points, or against it."""
    center = (track.reversed() if is_reversed else track).center
    return TrackFacts(track.length_m, [(x, y) for x, y in center.tolist()], is_reversed)


def params_at_start(track: Track, steering_deg: float, speed_mps: float) -> Params:
    """The params of the first step of a time trial that starts at the start line."""
    actions, times_s = np.array([[steering_deg, speed_mps]]), np.array([[1 * STEP_S], [2 * STEP_S]])
    step = Step([0], telemetry_at_start(track), actions, None, np.array([2]), times_s[1], times_s[0])
    return reward_params(step, 0, facts_of(track, False))


def reward_params(step: StepNumbers, k: int, facts: TrackFacts) -> Params:
    """A new dict for car `k`, as in a race without objects.

    Metres, degrees, m/s, percent; `steps` counts from 1 with the prepare step; `sim_time` is that of the pose.
    """
    x, y, heading, gap, along, progress, width, before, after, _, wheels, is_left, _ = step.rows[k]
    steering, speed = step.actions[k]
    return {
        "all_wheels_on_track": wheels == 4,
        "x": x,
        "y": y,
        "heading": heading,
        "distance_from_center": gap,
        "projection_distance": along,
        "progress": progress,
        "steps": float(step.numbers[k]),
        "speed": speed,
        "steering_angle": steering,
        "track_width": width,
        "track_length": facts.length_m,
        "waypoints": facts.waypoints.copy(),
        "closest_waypoints": [before, after],
        "is_left_of_center": is_left,
        "is_reversed": facts.is_reversed,
        "is_crashed": False,
        "is_offtrack": wheels == 0,
        "closest_objects": [0, 0],
        "objects_location": [],
        "objects_left_of_center": [],
        "objects_speed": [],
        "objects_heading": [],
        "objects_distance_from_center": [],
        "objects_distance": [],
        "object_in_camera": False,
        "sim_time": step.began_s[k],
    }
