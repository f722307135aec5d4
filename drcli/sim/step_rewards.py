"""The rewards of a step of K cars, from the user's reward function or simapp's evaluation reward. No numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from drcli.sim.reward_params import Params, StepNumbers, TrackFacts, facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.track import Track

CarReward = Callable[[Params, float], float]  # of params and simulated time; may keep state between steps


class RewardSource(Protocol):
    """Creates reward functions, one for each car. `drcli.sim.reward.RewardFunction` is one."""

    def for_car(self) -> CarReward:
        """A function with its own state."""
        ...


class Rewards(Protocol):
    """Rewards K cars: `StepRewards`, or `ParallelRewards` in several processes."""

    @property
    def ms_per_call(self) -> float:
        """Mean wall-clock time that a step waits for a car's reward; 0 before the first."""
        ...

    def pay(
        self, step: Step, is_reversed: Sequence[bool], crashed: Sequence[int], added: Sequence[Params] | None
    ) -> list[float]:
        """Rewards by car; 0 for cars that do not take part."""
        ...


class StepRewards:
    """Rewards K cars with a user's reward function."""

    def __init__(self, track: Track, source: RewardSource, num_envs: int) -> None:
        self._facts = facts_of(track, False), facts_of(track, True)
        self._cars = [source.for_car() for _ in range(num_envs)]
        self._calls, self._seconds = 0, 0.0

    @property
    def ms_per_call(self) -> float:
        """Mean wall-clock time of a call, with its params; 0 before the first."""
        return 1000 * self._seconds / self._calls if self._calls else 0.0

    def pay(
        self, step: Step, is_reversed: Sequence[bool], crashed: Sequence[int], added: Sequence[Params] | None
    ) -> list[float]:
        """Rewards by car; 0 for cars that do not take part.

        Args:
            is_reversed: by car, whether it drives against the order of the track's points.
            crashed: the cars that crashed in this step.
            added: by car, params of the race; they replace those of a race without objects.

        Raises:
            RewardError: a function fails.
        """
        rewards = [0.0] * len(self._cars)
        started = perf_counter()
        for k in step.cars:
            params = params_of(step, k, self._facts[is_reversed[k]], crashed, added)
            rewards[k] = self._cars[k](params, step.time_s[k])
        self._calls, self._seconds = self._calls + len(step.cars), self._seconds + perf_counter() - started
        return rewards


def params_of(
    step: StepNumbers, k: int, facts: TrackFacts, crashed: Sequence[int], added: Sequence[Params] | None
) -> Params:
    """A new dict for car `k`, with what its race adds; `crashed` and `added` as in `StepRewards.pay`."""
    params = reward_params(step, k, facts)
    if added:
        params.update(added[k])
    if k in crashed:
        params["is_crashed"] = True
    return params


def center_line_rewards(step: Step) -> list[float]:
    """simapp's own reward (markov/defaults.py): 1, 0.5 or 0.1 within 10, 25 or 50 % of the width. By car."""
    rewards = [0.0] * len(step.rows)
    for k in step.cars:
        _, _, _, gap_m, _, _, width_m, *_ = step.rows[k]
        share = gap_m / width_m
        rewards[k] = 1.0 if share <= 0.1 else 0.5 if share <= 0.25 else 0.1 if share <= 0.5 else 1e-3
    return rewards
