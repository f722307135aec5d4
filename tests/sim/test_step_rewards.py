"""Who is paid for a step, and what the race adds to the params."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drcli.sim.car_arrays import new_arrays
from drcli.sim.reward_params import Params
from drcli.sim.step import Step
from drcli.sim.step_rewards import CarReward, StepRewards, center_line_rewards
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Track


class Spy:
    """Pays each car by how often it was asked, and keeps what it was asked with."""

    def __init__(self) -> None:
        self.seen: list[tuple[Params, float]] = []

    def for_car(self) -> CarReward:
        asked: list[float] = []

        def reward(params: Params, now_s: float) -> float:
            asked.append(now_s)
            self.seen.append((params, now_s))
            return float(len(asked))

        return reward


def step_of(cars: list[int], **fields: Any) -> Step:
    """Of three cars."""
    at = new_arrays(Telemetry, 3)
    for name, values in fields.items():
        getattr(at, name)[:] = values
    times_s = np.array([1.0, 2.0, 3.0])
    return Step(cars, at, np.zeros((3, 2)), None, np.array([2, 3, 4]), times_s, times_s - 1 / 15)


def test_only_who_takes_part_is_paid(block: Track) -> None:
    spy = Spy()
    rewards = StepRewards(block, spy, 3)
    step = step_of([0, 2], x_m=[5.0, 6.0, 7.0])
    assert rewards.pay(step, [False, False, True], (), None) == [1.0, 0.0, 1.0]
    assert rewards.pay(step, [False, False, True], (), None) == [2.0, 0.0, 2.0]
    found = [(params["x"], params["steps"], params["is_reversed"], now_s) for params, now_s in spy.seen[:2]]
    assert found == [(5.0, 2.0, False, 1.0), (7.0, 4.0, True, 3.0)]


def test_what_a_race_says_takes_its_place_among_the_others(block: Track) -> None:
    spy = Spy()
    rewards, step = StepRewards(block, spy, 3), step_of([0, 1])
    rewards.pay(step, [False] * 3, (), None)
    added: list[Params] = [{"objects_location": [(float(k), 2.0)], "own": k} for k in range(3)]
    rewards.pay(step, [False] * 3, [1], added)
    plain, _, first, second = (params for params, _ in spy.seen)
    assert list(first) == [*plain, "own"]
    assert (plain["objects_location"], first["objects_location"]) == ([], [(0.0, 2.0)])
    assert (first["is_crashed"], second["is_crashed"]) == (False, True)


def test_the_centre_line_pays_in_four_classes() -> None:
    step = step_of([0, 1], distance_from_center_m=[0.1, 0.25, 0.5], track_width_m=1.0)
    assert center_line_rewards(step) == [1.0, 0.5, 0.0]
    step = step_of([0, 1, 2], distance_from_center_m=[0.26, 0.5, 0.51], track_width_m=1.0)
    assert center_line_rewards(step) == pytest.approx([0.1, 0.1, 1e-3])
