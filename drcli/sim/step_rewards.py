"""The rewards of a step of K cars, from the user's reward function or simapp's evaluation reward. No numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from drcli.sim.car_arrays import Array, Bools
from drcli.sim.reward_params import Params, facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Track

CarReward = Callable[[Params, float], float]  # of params and simulated time; may keep state between steps


class RewardSource(Protocol):
    """Creates reward functions, one for each car. `drcli.sim.reward.RewardFunction` is one."""

    def for_car(self) -> CarReward:
        """A function with its own state."""
        ...


class StepRewards:
    """Rewards K cars with a user's reward function."""

    def __init__(self, track: Track, source: RewardSource, num_envs: int) -> None:
        self._facts = facts_of(track, False), facts_of(track, True)
        self._cars = [source.for_car() for _ in range(num_envs)]

    def pay(
        self, step: Step, is_reversed: Bools, is_crashed: Bools, added: Sequence[Params] | None, cars: Bools
    ) -> Array:
        """Rewards `[K]`, 0 for those not among `cars`; `added` is what the race adds to each car's params.

        Raises:
            RewardError: a function fails.
        """
        forward, backward = self._facts
        facts = [backward if way else forward for way in is_reversed.tolist()]
        dicts = reward_params(step, facts, is_crashed, added, cars)
        rewards = [0.0] * len(self._cars)
        for k, params in zip(cars.nonzero()[0].tolist(), dicts, strict=True):
            rewards[k] = self._cars[k](params, step.time_rows[k])
        return np.array(rewards)


def center_line_rewards(at: Telemetry, cars: Bools) -> Array:
    """simapp's own reward (markov/defaults.py): 1, 0.5 or 0.1 within 10, 25 or 50 % of the width. `[K]`."""
    share = np.divide(at.distance_from_center_m, at.track_width_m, out=np.ones(len(cars)), where=cars)
    paid = np.select([share <= 0.1, share <= 0.25, share <= 0.5], [1.0, 0.5, 0.1], 1e-3)
    return np.where(cars, paid, 0.0)
