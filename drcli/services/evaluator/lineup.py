"""The models of an evaluation at the wheel: each drives its own cars of one world, greedily and in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drcli.config.model_metadata import ModelMetadata
from drcli.config.run_params import EvaluationParams
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode
from drcli.services.observers.observer import DrivenStep
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared.heartbeat import Heartbeat
from drcli.services.shared.program import StopFlag
from drcli.sim.car_arrays import Bools
from drcli.sim.sensors.sensor import Observations
from drcli.sim.world import World
from drcli.train.algorithms.algorithm import Actor
from drcli.train.model import ModelSpec


@dataclass(frozen=True)
class Contestant:
    """A checkpoint that takes part. `params`: as seen by its car, so that results go to its own places."""

    params: EvaluationParams
    metadata: ModelMetadata
    checkpoint: CheckpointName
    actor: Actor


class Lineup:
    """Contestants in one world: of n, the first drives cars 0, n, 2n, …, the second cars 1, n + 1, …"""

    def __init__(self, world: World, contestants: Sequence[Contestant], observers: Subscriptions) -> None:
        self.world = world
        self._contestants = [(each, ModelSpec.of(each.metadata)) for each in contestants]
        self._observers = observers
        self._obs: Observations = {}

    def drive(self, stop: StopFlag, heartbeat: Heartbeat) -> list[list[Episode]]:
        """Drive one episode with every car; those of each contestant, in the order in which they began."""
        world, count = self.world, len(self._contestants)
        self._obs = world.reset(episodes_per_car=[1] * world.num_envs)
        episodes: list[Episode] = []
        while world.active.any() and not stop.is_set:
            heartbeat.beat()
            episodes += self._step()
        episodes.sort(key=lambda episode: episode.number)
        return [[each for each in episodes if each.car % count == place] for place in range(count)]

    def _step(self) -> list[Episode]:
        world, count = self.world, len(self._contestants)
        due = world.due
        actions = np.zeros((world.num_envs, 2))
        labels: list[int | str] = [0] * world.num_envs
        decisions = []
        for place, (contestant, model) in enumerate(self._contestants):
            cars = np.flatnonzero(_of_place(due, place, count))
            if not len(cars):
                continue
            seen = {spec.name: self._obs[spec.name][cars] for spec in model.sensors}
            decision = contestant.actor.act(seen, greedy=True)
            commands = model.head.commands(decision.actions)
            actions[cars, 0], actions[cars, 1] = commands.steering_deg, commands.speed_mps
            for car, label in zip(cars.tolist(), commands.labels, strict=True):
                labels[car] = label
            decisions.append((cars, seen, decision))
        transition = world.step(actions, labels)
        self._obs = transition.obs
        for cars, seen, decision in decisions:
            self._observers.step(DrivenStep(world, cars, seen, decision, transition, is_evaluation=True))
        return transition.episodes


def _of_place(cars: Bools, place: int, count: int) -> Bools:
    """Those of `cars` `[K]` that the contestant in that place drives."""
    mine = np.zeros_like(cars)
    mine[place::count] = cars[place::count]
    return mine
