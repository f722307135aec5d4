"""Experience for the trainer: so many steps with every car, or so many whole episodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drcli.contract.episode import Episode
from drcli.services.worker.driver import Driver
from drcli.train.rollout import Rollout, RolloutBuffer, RolloutSpec


class Collector:
    """Keeps the cars going from one assignment to the next when these count steps.

    Each assignment fills arrays of its own, which may go over the wire as they are.
    """

    def __init__(self, driver: Driver, spec: RolloutSpec, tick: Callable[[], None]) -> None:
        self._driver = driver
        self._spec = spec
        self._tick = tick
        self._is_under_way = False

    def steps(self, steps_per_car: int, step: int) -> tuple[Rollout, list[Episode]]:
        """So many steps with every car; a car goes on where it was. `step`: steps of the run so far."""
        if not self._is_under_way:
            self._driver.reset()
            self._is_under_way = True
        buffer = RolloutBuffer(self._spec, self._driver.world.num_envs, steps_per_car)
        return self._collect(buffer, lambda taken: taken < steps_per_car, step, max_steps=0)

    def episodes(self, episodes: int, step: int, max_steps: int) -> tuple[Rollout, list[Episode]]:
        """So many whole episodes, shared out among the cars before they start: short ones get no preference.

        What lies beyond the first `max_steps` steps (0: no bound) is driven, but not learned from.
        """
        world = self._driver.world
        cars = world.num_envs
        self._driver.reset([episodes // cars + (car < episodes % cars) for car in range(cars)])
        self._is_under_way = False
        buffer = RolloutBuffer(self._spec, cars)
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
            elif rollout is None:  # what follows the last step that is kept
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
