"""Models of tests: metadata of discrete and continuous action spaces, and networks for them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

from drcli.config.model_metadata import ModelMetadata
from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.actor_critic import ActorCritic, new_actor_critic
from drcli.train.model import ModelSpec

CAMERA = "FRONT_FACING_CAMERA"
HEIGHT, WIDTH = 60, 80  # a quarter of the real image, so that tasks are solved in seconds


def metadata(num_actions: int = 5, **other: Any) -> ModelMetadata:
    """So many discrete actions; 0: continuous ones. `other` replaces keys of the file."""
    actions = [{"steering_angle": n - 10, "speed": 1.0, "index": n} for n in range(num_actions)]
    bounds = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 3}}
    document = {
        "action_space": actions or bounds,
        "action_space_type": "discrete" if actions else "continuous",
        "sensor": [CAMERA],
        "version": "5",
    }
    return ModelMetadata.parse(json.dumps(document | other), "model_metadata.json")


def model_of(num_actions: int = 5, **other: Any) -> ModelSpec:
    """What is trained, as `metadata` has it."""
    return ModelSpec.of(metadata(num_actions, **other))


def small_model(num_actions: int = 5) -> ModelSpec:
    """The same with small images."""
    sensor = SensorSpec(CAMERA, (HEIGHT, WIDTH), np.dtype(np.uint8))
    return replace(model_of(num_actions), sensors=(sensor,))


def new_network(num_actions: int = 5, is_shared: bool = True) -> ActorCritic:
    """With random weights by torch's global seed."""
    if is_shared:
        return new_actor_critic(model_of(num_actions))
    network = ActorCritic(model_of(num_actions), is_shared=False)
    network.initialise()
    return network


@cache
def opinionated(num_actions: int) -> ActorCritic:
    """A network whose actions depend much on the image, with no two parameters alike."""
    torch.manual_seed(7)
    network = new_network(num_actions, is_shared=False)
    with torch.no_grad():
        network.policy.dense.weight *= 300 if num_actions else 50
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter += 0.05 * torch.randn_like(parameter)
    return network
