"""The embedder that comes with the package: what it has learned is worth something, who gets it, who keeps it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from model_specs import model_of
from numpy.typing import NDArray

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.sensors.sensor import sensor_spec
from drcli.sim.world import World
from drcli.train.actor_critic import ActorCritic, new_actor_critic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.guided.camera_embedder import has_camera_embedder, load_camera_embedder, weights
from drcli.train.guided.imitation import ImitationLearner
from drcli.train.guided.schooling import Schooling
from drcli.train.guided.teacher import teacher_model
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import Embedder
from drcli.train.rollout import Rollout, RolloutSpec

SHALLOW, MEDIUM = "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW", "DEEP_CONVOLUTIONAL_NETWORK"
FRONT, ROAD = "FRONT_FACING_CAMERA", "ROAD_AHEAD"
CARS, LEARNED = 48, 192
KEEPING = Schooling(keeps_embedders=True)
CPU = Hardware(torch.device("cpu"), torch.float32)


def road_pictures(styles: int = 5) -> tuple[torch.Tensor, NDArray[np.float64]]:
    """Randomised pictures of a track that the embedder has not learned from, and where the road leads in them."""
    settings = RaceSettings(randomised_pictures=True, spread_starts=True, perturbed_starts=True)
    track = load_track("drcli_narrow", None, "")
    world = World(track, settings, CARS, sensors=(FRONT, ROAD), record=False)
    seen = [world.reset() for _ in range(styles)]
    pictures, road = (np.concatenate([obs[name] for obs in seen]) for name in (FRONT, ROAD))
    return torch.from_numpy(pictures), road[:, [1, 11]].astype(np.float64)  # turn, 1 m ahead to the left


@torch.no_grad()
def error(embedder: Embedder) -> float:
    """Of the best linear guess (ridge regression) from its features in other pictures, as a share of the deviation."""
    pictures, road = road_pictures()
    features = embedder(embedder.prepare(pictures, torch.float32)).numpy().astype(np.float64)
    features -= features[:LEARNED].mean(0)
    kernel = features @ features[:LEARNED].T
    mean = road[:LEARNED].mean(0)
    ridge = 0.01 * np.trace(kernel[:LEARNED]) / LEARNED * np.eye(LEARNED)
    guess = mean + kernel[LEARNED:] @ np.linalg.solve(kernel[:LEARNED] + ridge, road[:LEARNED] - mean)
    return float((np.abs(guess - road[LEARNED:]).mean(0) / road.std(0)).mean())


def practised(model: ModelSpec) -> ActorCritic:
    network = new_actor_critic(model)
    load_camera_embedder(network)
    return network


def test_its_features_tell_where_the_road_leads_in_any_light() -> None:
    torch.manual_seed(1)
    (from_scratch,) = new_actor_critic(model_of()).policy_trunk.embedders
    (stored,) = practised(model_of()).policy_trunk.embedders
    assert error(stored) < 0.6 * error(from_scratch)


@pytest.mark.parametrize(
    ("network", "sensors", "gets_it"),
    [
        (SHALLOW, [FRONT], [True]),
        (SHALLOW, ["LEFT_CAMERA"], [True]),
        (MEDIUM, ["observation"], [True]),  # which is always shallow
        (MEDIUM, [FRONT], [False]),
        (SHALLOW, ["STEREO_CAMERAS"], [False]),
        (SHALLOW, [FRONT, "SECTOR_LIDAR"], [True, False]),
    ],
)
def test_embedders_with_its_layers_get_it(network: str, sensors: list[str], gets_it: list[bool]) -> None:
    model = model_of(neural_network=network, sensor=sensors)
    torch.manual_seed(1)
    before = new_actor_critic(model)
    torch.manual_seed(1)
    after = practised(model)
    changed = [
        any(not torch.equal(value, weights(old)[name]) for name, value in weights(new).items())
        for old, new in zip(before.policy_trunk.embedders, after.policy_trunk.embedders, strict=True)
    ]
    assert changed == gets_it
    assert not has_camera_embedder(before)
    assert has_camera_embedder(after) == all(gets_it)


def test_one_that_has_learned_something_else_is_not_it() -> None:
    network = practised(model_of())
    with torch.no_grad():
        next(network.policy_trunk.parameters()).add_(1e-6)
    assert not has_camera_embedder(network)


def test_one_from_scratch_is_not_kept() -> None:
    torch.manual_seed(3)
    model = model_of()
    learner = ImitationLearner(new_actor_critic(model), Hyperparameters(), CPU, 0, schooling=KEEPING)
    (before,) = (
        {n: v.detach().clone() for n, v in weights(e).items()} for e in learner.network.policy_trunk.embedders
    )
    learner.learn([driven(model)], new_actor_critic(teacher_model(model)), 0)
    (after,) = map(weights, learner.network.policy_trunk.embedders)
    assert not any(torch.equal(before[name], value) for name, value in after.items())


def test_a_student_that_keeps_it_learns_with_the_layers_behind_it() -> None:
    torch.manual_seed(3)
    model = model_of()
    network, teacher = practised(model), new_actor_critic(teacher_model(model))
    with torch.no_grad():
        torch.nn.init.normal_(teacher.policy.dense.weight, 0.0, 1.0)
    learner = ImitationLearner(network, Hyperparameters(batch_size=16), CPU, 0, schooling=KEEPING)
    rollout = driven(model)
    gaps = [learner.learn([rollout], teacher, 0) for _ in range(6)]
    assert gaps[-1] < 0.7 * gaps[0]
    assert has_camera_embedder(network)


def driven(model: ModelSpec) -> Rollout:
    """A step of each car."""
    world = World(
        load_track("drcli_narrow", None, ""), RaceSettings(spread_starts=True), CARS, sensors=(FRONT, ROAD)
    )
    rollout = RolloutSpec.of(model, ClippedPPO.extras, (sensor_spec(ROAD),)).zeros(1, CARS)
    for name, seen in world.reset().items():
        rollout.obs[name][0] = seen
    rollout.valid[:] = True
    return rollout
