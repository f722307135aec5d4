"""What a step earns K cars: by the user's reward function, or by the one that simapp evaluates with. No numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from drcli.sim.reward_params import Params, facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.track import Track

CarReward = Callable[[Params, float], float]  # by params and simulated time; it may keep state between steps


class RewardSource(Protocol):
    """Makes reward functions, one for each car. `drcli.sim.reward.RewardFunction` is one."""

    def for_car(self) -> CarReward:
        """A function with a state of its own."""
        ...


class StepRewards:
    """Pays K cars by a user's reward function."""

    def __init__(self, track: Track, source: RewardSource, num_envs: int) -> None:
        self._facts = facts_of(track, False), facts_of(track, True)
        self._cars = [source.for_car() for _ in range(num_envs)]

    def pay(
        self, step: Step, is_reversed: Sequence[bool], crashed: Sequence[int], added: Sequence[Params] | None
    ) -> list[float]:
        """By car; 0 for those that do not take part.

        Args:
            is_reversed: by car, whether it drives against the track's order.
            crashed: the cars that have crashed in this step.
            added: by car, what the race says instead of what a race without objects says.

        Raises:
            RewardError: a function fails.
        """
        rewards = [0.0] * len(self._cars)
        for k in step.cars:
            params = reward_params(step, k, self._facts[is_reversed[k]])
            if added:
                params.update(added[k])
            if k in crashed:
                params["is_crashed"] = True
            rewards[k] = self._cars[k](params, step.time_s[k])
        return rewards


def center_line_rewards(step: Step) -> list[float]:
    """simapp's own reward (markov/defaults.py): 1, 0.5 or 0.1 within 10, 25 or 50 % of the width. By car."""
    rewards = [0.0] * len(step.rows)
    for k in step.cars:
        _, _, _, gap_m, _, _, width_m, *_ = step.rows[k]
        share = gap_m / width_m
        rewards[k] = 1.0 if share <= 0.1 else 0.5 if share <= 0.25 else 0.1 if share <= 0.5 else 1e-3
    return rewards
