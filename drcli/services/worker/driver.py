"""Cars driven in lockstep: one batch of observations, one batch of decisions, one step of the world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drcli.services.observers.observer import DrivenStep
from drcli.services.observers.subscriptions import Subscriptions
from drcli.sim.sensors.sensor import Observations
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.train.algorithms.algorithm import Actor
from drcli.train.heads.head import Head


class Driver:
    """Drives the cars of one world, or of several side by side, with one policy."""

    def __init__(
        self,
        world: World | Worlds,
        head: Head,
        actor: Actor,
        observers: Subscriptions,
        *,
        is_evaluation: bool = False,
    ) -> None:
        self.world = world
        self.actor = actor
        self.obs: Observations = {}
        self._head = head
        self._observers = observers
        self._is_evaluation = is_evaluation

    def reset(self, episodes_per_car: Sequence[int] | None = None) -> None:
        """Start all cars: for a number of episodes each, or without a limit."""
        self.obs = self.world.reset(episodes_per_car=episodes_per_car)

    def step(self, *, step: int = 0) -> DrivenStep:
        """Drive one step with all active cars, greedy in evaluations. `step`: steps of the run so far."""
        num_envs = self.world.num_envs
        cars = np.flatnonzero(self.world.active)
        seen = self.obs if len(cars) == num_envs else {name: array[cars] for name, array in self.obs.items()}
        decision = self.actor.act(seen, greedy=self._is_evaluation, step=step)
        commands = self._head.commands(decision.actions)
        actions = np.zeros((num_envs, 2))
        actions[cars, 0], actions[cars, 1] = commands.steering_deg, commands.speed_mps
        labels: list[int | str] = [0] * num_envs
        for car, label in zip(cars.tolist(), commands.labels, strict=True):
            labels[car] = label
        transition = self.world.step(actions, labels)
        self.obs = transition.obs
        driven = DrivenStep(self.world, cars, seen, decision, transition, self._is_evaluation)
        self._observers.step(driven)
        return driven
