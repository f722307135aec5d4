"""An evaluation that a worker drives step by step while the trainer learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drcli.contract.episode import Episode
from drcli.services.shared.protocol import Evaluate, Evaluated
from drcli.services.worker.driver import Driver
from drcli.train.algorithms.algorithm import Actor
from drcli.train.rollout import Decision


class Exam:
    """Greedy episodes side by side: first those from the usual starts, then those from perturbed ones."""

    def __init__(self, task: Evaluate, driver: Driver, num_usual: int) -> None:
        self.task = task
        self._driver = driver
        self._num_usual = num_usual
        self._usual: list[Episode] = []
        self._perturbed: list[Episode] = []
        driver.reset([1] * driver.world.num_envs)

    @property
    def result(self) -> Evaluated:
        """What has been driven."""
        return Evaluated(self.task.assignment, tuple(self._usual), tuple(self._perturbed))

    def step(self) -> bool:
        """Drive one step; return whether all episodes have ended. Perturbed ones are broken off when one fails."""
        world = self._driver.world
        for episode in self._driver.step().transition.episodes:
            (self._perturbed if episode.car >= self._num_usual else self._usual).append(episode)
        if not all(episode.is_lap for episode in self._perturbed):
            world.park(np.arange(world.num_envs) >= self._num_usual)
        return not world.active.any()


class Dazzled:
    """An actor that sees everything with noise of this standard deviation."""

    def __init__(self, actor: Actor, noise: float) -> None:
        self._actor = actor
        self._noise = noise
        self._rng = np.random.default_rng(0)

    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        """As the actor does."""
        seen = {
            name: (part + self._rng.normal(0.0, self._noise, part.shape)).astype(part.dtype)
            for name, part in obs.items()
        }
        return self._actor.act(seen, greedy, step)

    def load(self, weights: Mapping[str, Any]) -> None:
        """As the actor does."""
        self._actor.load(weights)
