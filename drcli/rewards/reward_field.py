"""What a reward function pays all over the road: cars side by side, aligned with it, all with the same action.

Each drives its line once round the track at constant speed without physics, so that `steps`, `progress` and the clock
fit, and functions that remember earlier steps see a plausible drive.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.rewards.dodging import way_of
from drcli.rewards.drives import FROM_THE_LINE
from drcli.rewards.standing_objects import StandingObjects
from drcli.sim.car_arrays import new_arrays
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import NOSE_M, STEP_S
from drcli.sim.geometry import road_of
from drcli.sim.reward import RewardFunction
from drcli.sim.reward_params import facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import Array, Track

LINES = 17
_BEYOND = 0.55  # the outermost lines are beside the road: share of the width from the centre line
_LEAST_M = 0.04  # between places


class Manner(NamedTuple):
    """How the cars stand and what they do: speed (m/s), steering and heading error (degrees, + is left)."""

    speed_mps: float
    steering_deg: float = 0.0
    heading_error_deg: float = 0.0


class RewardField(NamedTuple):
    """Places `[L, S, 2]` (m, of the cars' noses) and the rewards there `[L, S]`."""

    places: Array
    rewards: Array


def reward_field(
    track: Track, reward: RewardFunction, manner: Manner, race: RaceSettings = FROM_THE_LINE
) -> RewardField:
    """Call the function on a grid of places, with an instance for each of the lines; objects of the race stand still.

    Raises:
        RewardError: the function fails.
    """
    count = max(8, round(track.length_m / max(manner.speed_mps * STEP_S, _LEAST_M)))
    shares = (np.arange(count) + 0.5) / count
    way = way_of(track, race)
    poses = np.array([way.pose_at(float(share)) for share in shares])
    heading = _smooth(poses[:, 2], track.is_loop)
    left = np.column_stack([-np.sin(heading), np.cos(heading)])
    offsets = np.linspace(-_BEYOND, _BEYOND, LINES) * track.width_m
    places = poses[None, :, :2] + offsets[:, None, None] * left
    error = math.radians(manner.heading_error_deg)
    return RewardField(places, _rewards(track, reward, manner, race, places, heading + error))


def _smooth(heading: Array, is_loop: bool) -> Array:
    """Headings of the centre line without the jumps at its points: means of three."""
    smooth = np.unwrap(heading)
    turn = smooth[-1] - smooth[0]
    whole = math.tau * round(turn / math.tau) if is_loop else 0.0
    before, after = np.roll(smooth, 1), np.roll(smooth, -1)
    before[0], after[-1] = (smooth[-1] - whole, smooth[0] + whole) if is_loop else (smooth[0], smooth[-1])
    return np.asarray((before + smooth + after) / 3.0)


def _rewards(
    track: Track,
    reward: RewardFunction,
    manner: Manner,
    race: RaceSettings,
    places: Array,
    heading: Array,
) -> Array:
    lines, count, _ = places.shape
    road, facts, objects = (
        road_of(track),
        facts_of(track, race.reverse_dir),
        StandingObjects(track, race, lines),
    )
    cars, seen = new_cars(lines), np.ones(lines, np.bool_)
    history, at = new_arrays(CarHistory, lines), new_arrays(Telemetry, lines)
    history.is_reversed[:] = race.reverse_dir
    instances = [reward.for_car() for _ in range(lines)]
    actions = np.tile([manner.steering_deg, manner.speed_mps], (lines, 1))
    rewards = np.empty((lines, count))
    for number in range(count):
        nose = NOSE_M * np.array([math.cos(heading[number]), math.sin(heading[number])])
        for k in range(lines):
            x, y = places[k, number] - nose
            put(cars, k, x, y, heading[number])
        measure(road, cars, history.block, count + 1, seen, False, at.block)
        steps = np.full(lines, number + 2)
        step = Step([*range(lines)], at, actions, None, steps, steps * STEP_S, (steps - 1) * STEP_S)
        for k, (car, added) in enumerate(zip(instances, objects.params(cars, at), strict=True)):
            rewards[k, number] = car(reward_params(step, k, facts) | added, step.time_s[k])
    return rewards
