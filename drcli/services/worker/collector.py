"""Collects experience for the trainer: a number of steps per car, or a number of whole episodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drcli.contract.episode import Episode
from drcli.services.worker.driver import Driver
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.train.rollout import Rollout, RolloutBuffer, RolloutSpec


class Collector:
    """Collects one rollout per assignment; with steps, cars continue where the last assignment ended.

    Each assignment fills its own arrays, which can be sent without a copy.
    """

    def __init__(self, driver: Driver, spec: RolloutSpec, tick: Callable[[], None]) -> None:
        self._driver = driver
        self._spec = spec
        self._tick = tick
        self._is_under_way = False

    @property
    def world(self) -> World | Worlds:
        """Where it collects."""
        return self._driver.world

    def steps(self, steps_per_car: int, step: int) -> tuple[Rollout, list[Episode]]:
        """Drive `steps_per_car` steps with every car, from where it is. `step`: steps of the run so far."""
        if not self._is_under_way:
            self._driver.reset()
            self._is_under_way = True
        buffer = RolloutBuffer(self._spec, self._driver.world.num_envs, steps_per_car)
        return self._collect(buffer, lambda taken: taken < steps_per_car, step, max_steps=0)

    def episodes(self, episodes: int, step: int, max_steps: int) -> tuple[Rollout, list[Episode]]:
        """Drive whole episodes, divided among the cars in advance, so that short ones are not over-represented.

        Steps beyond the first `max_steps` (0: no limit) are driven, but not learned from.
        """
        world = self._driver.world
        self._driver.reset(world.shares(episodes))
        self._is_under_way = False
        buffer = RolloutBuffer(self._spec, world.num_envs)
        return self._collect(buffer, lambda taken: bool(world.active.any()), step, max_steps)

    def _collect(
        self, buffer: RolloutBuffer, goes_on: Callable[[int], bool], step: int, max_steps: int
    ) -> tuple[Rollout, list[Episode]]:
        driver = self._driver
        episodes: list[Episode] = []
        rollout: Rollout | None = None
        taken = 0
        while goes_on(taken):
            obs = driver.obs
            driven = driver.step(step=step + buffer.num_steps)
            transition = driven.transition
            if not max_steps or buffer.num_steps < max_steps:
                dones = transition.terminated | transition.truncated
                buffer.add(driven.cars, driven.obs, driven.decision, transition.rewards, dones)
            elif rollout is None:  # what follows the last recorded step
                extras = {name: np.zeros(len(dones), np.float32) for name in driven.decision.extras}
                for name, values in driven.decision.extras.items():
                    extras[name][driven.cars] = values
                rollout = buffer.rollout(obs, extras)
            episodes += transition.episodes
            taken += 1
            self._tick()
        if rollout is None:
            rollout = buffer.rollout(driver.obs, driver.actor.act(driver.obs, greedy=True).extras)
        return rollout, episodes
