"""A worker at the wheel: cars in lockstep, one batch of images, one batch of decisions, one step of the world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drcli.services.acting import ActionSpace
from drcli.sim.race import Episode
from drcli.sim.world import Transition, World
from drcli.train.policy import Decision, Policy
from drcli.train.ppo import Rollout


class Driver:
    """Drives the cars of one world by one policy."""

    def __init__(self, world: World, space: ActionSpace, policy: Policy) -> None:
        self.world = world
        self.policy = policy
        self._space = space
        self.obs: NDArray[np.uint8] = np.zeros((0, 120, 160), np.uint8)

    def reset(self, episodes_per_car: list[int] | None = None) -> None:
        """Start all cars anew: for so many episodes each, or for good."""
        self.obs = self.world.reset(episodes_per_car)

    def step(
        self, *, greedy: bool, step: int = 0
    ) -> tuple[NDArray[np.intp], NDArray[np.uint8], Decision, Transition]:
        """One step of the cars that are driving: their numbers, what they saw, decided and got."""
        cars = np.flatnonzero(self.world.active)
        seen = self.obs if len(cars) == len(self.obs) else self.obs[cars]
        decision = self.policy.act(seen, greedy=greedy, step=step)
        commands = self._space.commands(decision.actions)
        steering, speed = np.zeros(len(self.obs)), np.zeros(len(self.obs))
        labels: list[int | str] = [0] * len(self.obs)
        steering[cars], speed[cars] = commands.steering_deg, commands.speed_mps
        for car, label in zip(cars.tolist(), commands.labels, strict=True):
            labels[car] = label
        transition = self.world.step(steering, speed, labels)
        self.obs = transition.obs
        return cars, seen, decision, transition


class Collector:
    """Gathers experience: keeps the cars going from one assignment to the next when these count steps."""

    def __init__(self, driver: Driver, tick: Callable[[], None]) -> None:
        self._driver = driver
        self._tick = tick
        self._is_under_way = False

    def steps(self, steps_per_car: int, step: int) -> tuple[Rollout, list[Episode]]:
        """So many steps with every car; a car goes on where it was. `step`: steps of the run so far."""
        if not self._is_under_way:
            self._driver.reset()
            self._is_under_way = True
        return self._collect(lambda taken: taken < steps_per_car, step, max_steps=0)

    def episodes(self, episodes: int, step: int, max_steps: int) -> tuple[Rollout, list[Episode]]:
        """So many whole episodes, shared out among the cars before they start: short ones get no preference."""
        cars = len(self._driver.world.active)
        self._driver.reset([episodes // cars + (car < episodes % cars) for car in range(cars)])
        self._is_under_way = False
        return self._collect(lambda taken: bool(self._driver.world.active.any()), step, max_steps)

    def _collect(
        self, goes_on: Callable[[int], bool], step: int, max_steps: int
    ) -> tuple[Rollout, list[Episode]]:
        driver = self._driver
        buffer = _Buffer(len(driver.world.active))
        episodes: list[Episode] = []
        last: NDArray[np.float32] | None = None
        taken = 0
        while goes_on(taken):
            cars, seen, decision, transition = driver.step(greedy=False, step=step + buffer.size)
            if not max_steps or buffer.size < max_steps:
                buffer.add(cars, seen, decision, transition)
            elif last is None:  # what follows the last step that is kept
                last = np.zeros(len(driver.obs), np.float32)
                last[cars] = decision.values
            episodes += transition.episodes
            taken += 1
            self._tick()
        if last is None:
            last = driver.policy.act(driver.obs, greedy=True).values
        return buffer.rollout(last), episodes


class _Buffer:
    """Steps of every car, kept apart by car."""

    def __init__(self, cars: int) -> None:
        self.size = 0
        self._steps: list[list[tuple[NDArray[np.uint8], int, Decision, float, bool]]] = [
            [] for _ in range(cars)
        ]

    def add(
        self, cars: NDArray[np.intp], seen: NDArray[np.uint8], decision: Decision, transition: Transition
    ) -> None:
        dones = transition.terminated | transition.truncated
        for row, car in enumerate(cars.tolist()):
            self._steps[car].append((seen[row], row, decision, transition.rewards[car], dones[car]))
        self.size += len(cars)

    def rollout(self, last_values: NDArray[np.float32]) -> Rollout:
        """All steps, car after car; last_values [K] of what each car sees next."""
        cars = [car for car, steps in enumerate(self._steps) if steps]
        flat = [step for car in cars for step in self._steps[car]]
        return Rollout(
            obs=np.stack([seen for seen, *_ in flat]),
            actions=np.stack([decision.actions[row] for _, row, decision, _, _ in flat]),
            logprobs=np.array([decision.logprobs[row] for _, row, decision, _, _ in flat], np.float32),
            values=np.array([decision.values[row] for _, row, decision, _, _ in flat], np.float32),
            rewards=np.array([reward for *_, reward, _ in flat], np.float32),
            dones=np.array([done for *_, done in flat], np.bool_),
            lengths=np.array([len(self._steps[car]) for car in cars], np.int64),
            last_values=last_values[cars].astype(np.float32),
        )
