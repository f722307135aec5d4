"""What learning curves are made of: a track, cars that see pictures and act continuously, and evaluations on the way.

Everything runs in one process and without a store: our learner and actor, the collector of a worker, the simulator.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.worker.collector import Collector
from drcli.services.worker.driver import Driver
from drcli.sim.catalogue import load_track
from drcli.sim.reward import RewardFunction
from drcli.sim.sensors.sensor import Observations, sensor_spec
from drcli.sim.world import Transition, World
from drcli.train.algorithms.algorithm import Actor, algorithm_of
from drcli.train.guided.teacher import TWO_LAYERS
from drcli.train.hardware import Hardware
from drcli.train.layers import Architecture, Conv2d, Dense
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import RolloutSpec

REWARD = Path(__file__).parents[1] / "defaults" / "custom_files" / "reward_function.py"
CAMERA = "FRONT_FACING_CAMERA"


SMALL = Architecture(
    lambda sensor: (Conv2d(32, 5, 2), Conv2d(32, 3, 2), Conv2d(32, 3, 1)), middleware=(Dense(256),)
)


class Shrunk(World):
    """Shows one pixel of `shrink`, in both directions."""

    def __init__(self, shrink: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._shrink = shrink

    def reset(self, **options: Any) -> Observations:
        return self._shrunk(super().reset(**options))

    def step(self, *args: Any) -> Transition:
        transition = super().step(*args)
        return transition._replace(obs=self._shrunk(transition.obs))

    def _shrunk(self, obs: Observations) -> Observations:
        return {name: part[:, :: self._shrink, :: self._shrink].copy() for name, part in obs.items()}


class Point(NamedTuple):
    """A point of a learning curve: greedy episodes after so many steps, and the CPU time of learning until then."""

    steps: int
    progress_pct: float
    laps: int
    cpu_s: float


@dataclass(frozen=True)
class Task:
    """What is learned. speed_mps: bounds of the continuous action; trials: episodes of an evaluation.

    sensor: the camera, or what a teacher sees, for a network as small as a teacher's; shrink: every so many pixels of
    the camera in both directions, for a network with small convolutions: a twentieth of the time.
    """

    track: str = "drcli_oval"
    sensor: str = CAMERA
    shrink: int = 1
    speed_mps: tuple[float, float] = (0.8, 1.2)
    cars: int = 8
    steps: int = 3072
    every: int = 512
    trials: int = 3

    def metadata(self, algorithm: str) -> ModelMetadata:
        low, high = self.speed_mps
        space = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": low, "high": high}}
        text = {"action_space": space, "action_space_type": "continuous", "training_algorithm": algorithm}
        return ModelMetadata.parse(json.dumps(text | {"sensor": [CAMERA], "version": "5"}), "metadata")

    def model(self, algorithm: str) -> ModelSpec:
        model = ModelSpec.of(self.metadata(algorithm))
        if self.sensor != CAMERA:
            return replace(model, sensors=(sensor_spec(self.sensor),), architecture=TWO_LAYERS)
        if self.shrink == 1:
            return model
        [camera] = model.sensors
        shape = tuple(-(-side // self.shrink) for side in camera.shape)
        return replace(model, sensors=(camera._replace(shape=shape),), architecture=SMALL)

    def world(self, cars: int, seed: int, *, is_evaluation: bool = False) -> World:
        reward = RewardFunction(REWARD.read_text(encoding="utf-8"), str(REWARD))
        race = RaceSettings(spread_starts=is_evaluation)
        road, sensors = load_track(self.track, None, ""), (self.sensor,)
        kind = World if self.shrink == 1 else partial(Shrunk, self.shrink)
        return kind(road, race, cars, sensors=sensors, reward=reward, record=False, seed=seed)

    def evaluated(self, model: ModelSpec, actor: Actor) -> list[Episode]:
        """One greedy episode from each of `trials` starts round the track."""
        world = self.world(self.trials, 0, is_evaluation=True)
        driver = Driver(world, model.head, actor, Subscriptions(), is_evaluation=True)
        driver.reset([1] * self.trials)
        episodes: list[Episode] = []
        while world.active.any():
            episodes += driver.step().transition.episodes
        return episodes


def learn(task: Task, algorithm: str, hyperparameters: Hyperparameters, seed: int) -> Iterator[Point]:
    """Our learner on the task; an iteration has `num_steps_between_training` steps of all cars."""
    torch.manual_seed(seed)
    model, hardware = task.model(algorithm), Hardware.detect(use_cuda=False)
    member = algorithm_of(task.metadata(algorithm))
    learner = member.learner(member.network(model), hyperparameters, hardware, seed)
    actor = member.actor(model, hyperparameters, hardware, seed)
    driver = Driver(task.world(task.cars, seed), model.head, actor, Subscriptions())
    collector = Collector(driver, RolloutSpec.of(model, member.extras), lambda: None)
    steps, cpu_s = 0, 0.0
    while steps < task.steps:
        begun = time.process_time()
        actor.load(weights_of(learner.network, hardware.dtype))
        size = hyperparameters.num_steps_between_training or task.every
        rollout, _ = collector.steps(size // task.cars, steps)
        learner.learn([rollout])
        steps += rollout.num_steps
        cpu_s += time.process_time() - begun
        if steps % task.every < size:
            actor.load(weights_of(learner.network, hardware.dtype))
            yield point(steps, task.evaluated(model, actor), cpu_s)


def point(steps: int, episodes: list[Episode], cpu_s: float) -> Point:
    """The point of a curve for the episodes of an evaluation."""
    laps = sum(episode.is_lap for episode in episodes)
    return Point(steps, fmean(episode.progress for episode in episodes), laps, cpu_s)
