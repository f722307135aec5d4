"""Rewards of K cars from several processes, where the reward function is what a step waits for.

Whether it is slow shows before its first car drives: state between steps cannot move later.
"""

from __future__ import annotations

import random
import weakref
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import numpy as np

from drcli.sim.constants import STEP_S
from drcli.sim.reward import RewardFunction
from drcli.sim.reward_params import Params, facts_of
from drcli.sim.reward_pool import RewardPool
from drcli.sim.reward_process import CarsOfStep
from drcli.sim.step import Step
from drcli.sim.step_rewards import Rewards, RewardSource, StepRewards, params_of
from drcli.sim.track import Track

SLOW_MS = 0.3  # a call; passing a step to another process and back costs about as much as one of these
_TRIAL_CALLS, _TRIAL_S = 5, 0.05
_pools: weakref.WeakKeyDictionary[RewardFunction, RewardPool | None] = weakref.WeakKeyDictionary()


def rewards_of(track: Track, source: RewardSource, num_envs: int) -> Rewards:
    """Rewards in this process, or, of a function that may have several and is slow, in these."""
    if isinstance(source, RewardFunction) and source.processes > 1 and num_envs > 1:
        return ChosenRewards(track, source, num_envs)
    return StepRewards(track, source, num_envs)


def cost_ms(source: RewardFunction, params: Callable[[], Params]) -> float:
    """Median wall-clock time of a call, by a silent copy that stays in one place; random numbers stay as they were.

    params: returns new ones for each call.

    Raises:
        RewardError: as in a step of a race.
    """
    states = random.getstate(), np.random.get_state()
    copy = RewardFunction(source.source, source.filename, lambda line: None, source.on_stuck)
    car, times, begun = copy.for_car(), [], perf_counter()
    try:
        for number in range(_TRIAL_CALLS + 1):
            here = params()
            here["steps"] += number
            here["sim_time"] += number * STEP_S
            now_s, started = here["sim_time"] + STEP_S, perf_counter()
            car(here, now_s)
            times.append(perf_counter() - started)
            if len(times) > 1 and perf_counter() - begun > _TRIAL_S:
                break
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    return 1000 * median(times[1:])  # the first call may import and prepare things


class ChosenRewards:
    """Chooses between one process and several in its first step, by trial calls with the params of that step.

    All worlds with the same function share the choice, and the processes.
    """

    def __init__(self, track: Track, source: RewardFunction, num_envs: int) -> None:
        self._track, self._source, self._num_envs = track, source, num_envs
        self.chosen: Rewards | None = None

    @property
    def ms_per_call(self) -> float:
        """Mean wall-clock time that a step waits for a car's reward; 0 before the first."""
        return self.chosen.ms_per_call if self.chosen else 0.0

    def pay(
        self, step: Step, is_reversed: Sequence[bool], crashed: Sequence[int], added: Sequence[Params] | None
    ) -> list[float]:
        """Rewards by car; 0 for cars that do not take part. See `StepRewards.pay`."""
        if self.chosen is None:
            if not step.cars:
                return [0.0] * self._num_envs
            k = step.cars[0]
            facts = facts_of(self._track, is_reversed[k])
            self.chosen = self._choose(lambda: params_of(step, k, facts, crashed, added))
        return self.chosen.pay(step, is_reversed, crashed, added)

    def _choose(self, params: Callable[[], Params]) -> Rewards:
        source = self._source
        if source not in _pools:
            _pools[source] = RewardPool(source) if cost_ms(source, params) > SLOW_MS else None
        pool = _pools[source]
        if pool is None:
            return StepRewards(self._track, source, self._num_envs)
        if not pool.is_open:  # after an error
            pool = _pools[source] = RewardPool(source)
        return ParallelRewards(self._track, pool, self._num_envs)


class ParallelRewards:
    """As `StepRewards`, with the instances of the cars divided among the processes of a pool."""

    def __init__(self, track: Track, pool: RewardPool, num_envs: int) -> None:
        self._pool, self._num_envs = pool, num_envs
        self._number = pool.add_world(track, [len(range(p, num_envs, pool.size)) for p in range(pool.size)])
        self._calls, self._seconds = 0, 0.0
        weakref.finalize(self, pool.end_world, self._number)

    @property
    def ms_per_call(self) -> float:
        """Mean wall-clock time that a step waits for a car's reward; 0 before the first."""
        return 1000 * self._seconds / self._calls if self._calls else 0.0

    def pay(
        self, step: Step, is_reversed: Sequence[bool], crashed: Sequence[int], added: Sequence[Params] | None
    ) -> list[float]:
        """Rewards by car; 0 for cars that do not take part. See `StepRewards.pay`."""
        rewards, started, pool = [0.0] * self._num_envs, perf_counter(), self._pool
        cars_of = [[k for k in step.cars if k % pool.size == process] for process in range(pool.size)]
        try:
            for process, cars in enumerate(cars_of):
                if cars:
                    pool.ask(process, self._part(step, cars, is_reversed, crashed, added))
            for _ in step.cars:
                answer = pool.next_answer()
                position, reward = answer.content
                rewards[cars_of[answer.process][position]] = reward
        except BaseException:  # also Ctrl-C: answers are missing, so nothing fits any more
            pool.close()
            raise
        self._calls, self._seconds = self._calls + len(step.cars), self._seconds + perf_counter() - started
        return rewards

    def _part(
        self,
        step: Step,
        cars: Sequence[int],
        is_reversed: Sequence[bool],
        crashed: Sequence[int],
        added: Sequence[Params] | None,
    ) -> CarsOfStep:
        return CarsOfStep(
            self._number,
            [k // self._pool.size for k in cars],
            [list(step.rows[k]) for k in cars],
            [step.actions[k] for k in cars],
            [step.numbers[k] for k in cars],
            [step.time_s[k] for k in cars],
            [step.began_s[k] for k in cars],
            [is_reversed[k] for k in cars],
            [k in crashed for k in cars],
            None if added is None else [added[k] for k in cars],
        )
