"""What lies between a decision and the wheels, if it varies: the length of a step, latency, noise. No numba.

Everything is drawn from the world's seed, the number of the episode and the step in it alone: the number of cars does
not matter. docs/simulator.md has the ranges.
"""

from __future__ import annotations

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_arrays import Array, Bools, Ints
from drcli.sim.constants import MAX_STEERING_DEG, STEP_S
from drcli.sim.races.race_type import EpisodeStart

_NORMAL_95 = 1.645  # standard deviations within which 90 % of a normal distribution lie
_MOST = 1.8  # times the jitter: how far the longest and the shortest steps are off
_TAG = 0xAC7  # tells these random numbers from others of the same episode


class Actuation:
    """How K cars carry out their actions in their present episodes."""

    def __init__(self, settings: RaceSettings, num_envs: int) -> None:
        is_random = settings.randomised_pictures  # one switch for everything that is randomised
        self._most_late = settings.randomised_latency_steps if is_random else 0
        self._most_noise = np.array(
            [settings.randomised_steering, settings.randomised_speed] if is_random else [0.0, 0.0]
        )
        self._jitter = settings.step_jitter
        self._is_exact = not (self._most_late or self._most_noise.any())
        self.varies = bool(self._jitter) or not self._is_exact  # whether there is anything to do at all
        self._rngs = [np.random.default_rng(0)] * num_envs
        self._late: Ints = np.zeros(num_envs, np.int64)  # steps
        self._noise: Array = np.zeros((num_envs, 2))  # standard deviations, of full lock and of the speed
        # The last actions, the newest first.
        self._asked: Array = np.zeros((self._most_late + 1, num_envs, 2))
        self._cars = np.arange(num_envs)

    def begin(self, k: int, start: EpisodeStart) -> None:
        """Draw how late and how noisily car `k` acts in an episode. Until its first action arrives, it creeps."""
        if not self.varies:
            return
        rng = self._rngs[k] = np.random.default_rng([start.seed, start.number, _TAG])
        self._late[k] = rng.integers(self._most_late + 1)
        self._noise[k] = rng.uniform(0.0, 1.0, 2) * self._most_noise
        self.forget(k)

    def forget(self, k: int) -> None:
        """Drop the actions of car `k` that have not arrived yet, because it has been put somewhere else."""
        self._asked[:, k] = 0.0

    def lengths_s(self, cars: Bools) -> Array:
        """`[K]`: how long the coming step lasts for each car; 90 % are within the jitter."""
        lengths = np.full(len(cars), STEP_S)
        if self._jitter:
            for k in cars.nonzero()[0].tolist():
                deviation = self._rngs[k].normal() / _NORMAL_95
                lengths[k] *= 1.0 + self._jitter * min(max(deviation, -_MOST), _MOST)
        return lengths

    def carried_out(self, actions: Array, cars: Bools) -> Array:
        """`[K, 2]`: what reaches the wheels of cars that decide on these actions now."""
        if self._is_exact:
            return actions
        self._asked[1:, cars] = self._asked[:-1, cars]
        self._asked[0, cars] = actions[cars]
        arriving: Array = self._asked[self._late, self._cars].copy()
        if self._most_noise.any():
            for k in cars.nonzero()[0].tolist():
                steering, speed = self._rngs[k].normal(0.0, self._noise[k])
                arriving[k, 0] += steering * MAX_STEERING_DEG
                arriving[k, 1] *= 1.0 + speed
        return arriving
