"""From what a policy puts out to what a car is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.services.acting import ActionSpace, hyper
from drcli.train.network import PolicySpec
from drcli.train.ppo import Hyper


def space(action_space: object, kind: str) -> ActionSpace:
    document = {"action_space": action_space, "action_space_type": kind, "sensor": ["FRONT_FACING_CAMERA"]}
    return ActionSpace(ModelMetadata.parse(json.dumps(document), "model_metadata.json"))


def test_discrete_actions_are_rows_of_the_table_whatever_their_index_says() -> None:
    actions = [
        {"index": 2, "steering_angle": -30, "speed": 0.6},
        {"index": 0, "steering_angle": 0, "speed": 5.0},
        {"index": 1, "steering_angle": 15.5, "speed": 2},
    ]
    table = space(actions, "discrete")
    assert table.spec == PolicySpec(3)
    commands = table.commands(np.array([2, 0, 1, 2]))
    assert commands.steering_deg.tolist() == [15.5, -30.0, 0.0, 15.5]
    assert commands.speed_mps.tolist() == [2.0, 0.6, 5.0, 2.0]
    assert commands.labels == [2, 0, 1, 2]


def test_continuous_actions_fill_their_bounds() -> None:
    bounds = {"steering_angle": {"low": -10, "high": 30}, "speed": {"low": 0.5, "high": 4.5}}
    box = space(bounds, "continuous")
    assert box.spec == PolicySpec(2, is_continuous=True)
    commands = box.commands(np.array([[-1, -1], [1, 1], [0, 0.5]], np.float32))
    assert commands.steering_deg.tolist() == [-10.0, 30.0, 10.0]
    assert commands.speed_mps.tolist() == [0.5, 4.5, 3.5]
    assert commands.labels == ["[-10.0 0.5]", "[30.0 4.5]", "[10.0 3.5]"]


@pytest.mark.parametrize(("loss_type", "is_huber"), [("huber", True), ("mean squared error", False)])
def test_hyperparameters_keep_their_meaning(loss_type: str, is_huber: bool) -> None:
    text = json.dumps({"batch_size": 8, "num_epochs": 3, "lr": 0.5, "discount_factor": 0.25, "beta_entropy": 0.125,
                       "loss_type": loss_type})  # fmt: skip
    assert hyper(Hyperparameters.parse(text, "hyperparameters.json")) == Hyper(
        8, 3, 0.5, 0.25, 0.125, is_huber
    )
