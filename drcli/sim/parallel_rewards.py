"""Rewards of K cars from several processes, where the reward function is what a step waits for.

`rewards_of` decides once for each function, before its first car drives: state between steps cannot move later.
"""

from __future__ import annotations

import random
import weakref
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import numpy as np

from drcli.sim.constants import STEP_S
from drcli.sim.reward import RewardFunction
from drcli.sim.reward_params import Params, params_at_start
from drcli.sim.reward_pool import RewardPool
from drcli.sim.reward_process import CarsOfStep
from drcli.sim.step import Step
from drcli.sim.step_rewards import Rewards, RewardSource, StepRewards
from drcli.sim.track import Track

SLOW_MS = 0.3  # a call; passing a step to another process and back costs about as much as one of these
_TRIAL_CALLS, _TRIAL_S = 5, 0.05
_pools: weakref.WeakKeyDictionary[RewardFunction, RewardPool | None] = weakref.WeakKeyDictionary()


def rewards_of(track: Track, source: RewardSource, num_envs: int) -> Rewards:
    """Rewards in this process, or, of a slow function that may have several processes, in these.

    Raises:
        DrError: the function fails on import, or in the trial calls that show how slow it is.
    """
    if isinstance(source, RewardFunction) and source.processes > 1 and num_envs > 1:
        pool = _pool_of(source, track)
        if pool is not None:
            return ParallelRewards(track, pool, num_envs)
    return StepRewards(track, source, num_envs)


def _pool_of(source: RewardFunction, track: Track) -> RewardPool | None:
    """The processes of a function; None if it is not slow. After an error there are new ones."""
    if source not in _pools:
        _pools[source] = RewardPool(source) if cost_ms(source, track) > SLOW_MS else None
    pool = _pools[source]
    if pool is not None and not pool.is_open:
        pool = _pools[source] = RewardPool(source)
    return pool


def cost_ms(source: RewardFunction, track: Track) -> float:
    """Median wall-clock time of a call, by a silent copy at the start line; random numbers stay as they were.

    Raises:
        RewardError: as in a step of a race.
    """
    states = random.getstate(), np.random.get_state()
    copy = RewardFunction(source.source, source.filename, lambda line: None, source.on_stuck)
    car, times, begun = copy.for_car(), [], perf_counter()
    try:
        for number in range(_TRIAL_CALLS + 1):
            params = params_at_start(track, 0.0, 1.0)
            params["steps"] += number
            started = perf_counter()
            car(params, params["sim_time"] + (number + 1) * STEP_S)
            times.append(perf_counter() - started)
            if len(times) > 1 and perf_counter() - begun > _TRIAL_S:
                break
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    return 1000 * median(times[1:])  # the first call may import and prepare things


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
