"""The dict passed to `reward_function`: the keys of the AWS DeepRacer guide and those that simapp adds. No numba."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress, repeat
from typing import Any, NamedTuple

import numpy as np

from drcli.sim.car_arrays import Bools
from drcli.sim.constants import STEP_S
from drcli.sim.step import Step
from drcli.sim.telemetry import telemetry_at_start
from drcli.sim.track import Track

Params = dict[str, Any]

_NOTHING: Params = {}


class TrackFacts(NamedTuple):
    """What the reward function gets to know about the track, in driving direction."""

    length_m: float
    waypoints: list[tuple[float, float]]
    is_reversed: bool


def facts_of(track: Track, is_reversed: bool) -> TrackFacts:
    """Facts of a track driven in the order of its points, or against it."""
    center = (track.reversed() if is_reversed else track).center
    return TrackFacts(track.length_m, [(x, y) for x, y in center.tolist()], is_reversed)


def params_at_start(track: Track, steering_deg: float, speed_mps: float) -> Params:
    """The params of the first step of a time trial that starts at the start line."""
    actions, number, time_s = np.array([[steering_deg, speed_mps]]), np.array([2]), np.array([2 * STEP_S])
    step = Step(telemetry_at_start(track), actions, None, number, time_s)
    one, is_crashed = np.array([True]), np.array([False])
    return next(reward_params(step, [facts_of(track, False)], is_crashed, None, one))


def reward_params(
    step: Step, facts: Sequence[TrackFacts], is_crashed: Bools, added: Sequence[Params] | None, cars: Bools
) -> Iterator[Params]:
    """A fresh dict for each of the `cars` that are set, one after another.

    Metres, degrees, m/s, percent; `steps` counts from 1 with the prepare step; `sim_time` is that of the pose.

    Args:
        facts: of each car's direction.
        is_crashed: `[K]` which cars touch something.
        added: params of the race for each car; they replace those of a race without objects.
        cars: `[K]` which cars get a dict.
    """
    columns = zip(
        step.at_rows,
        step.action_rows,
        step.number_rows,
        step.time_rows,
        is_crashed.tolist(),
        facts,
        added or repeat(_NOTHING),
        strict=False,
    )
    for at, action, number, time_s, crashed, fact, of_race in compress(columns, cars.tolist()):
        params = _params(at, action, number, time_s, fact)
        if crashed:
            params["is_crashed"] = True
        if of_race:
            params.update(of_race)
        yield params


def _params(
    at: tuple[Any, ...], action: Sequence[float], number: int, time_s: float, fact: TrackFacts
) -> Params:
    x, y, heading, gap, along, progress, width, before, after, _, wheels, is_left, _ = at
    return {
        "all_wheels_on_track": wheels == 4,
        "x": x,
        "y": y,
        "heading": heading,
        "distance_from_center": gap,
        "projection_distance": along,
        "progress": progress,
        "steps": float(number),
        "speed": action[1],
        "steering_angle": action[0],
        "track_width": width,
        "track_length": fact.length_m,
        "waypoints": fact.waypoints.copy(),
        "closest_waypoints": [before, after],
        "is_left_of_center": is_left,
        "is_reversed": fact.is_reversed,
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
        "sim_time": time_s - STEP_S,
    }
