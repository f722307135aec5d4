"""Weights over the wire: every bit, also of a number format that NumPy lacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drcli.config.hyperparameters import Hyperparameters
from drcli.services.shared.weight_arrays import arrays_to_weights, weights_to_arrays
from drcli.services.shared.wire import Message, decode, encode
from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_shared", [True, False])
def test_a_policy_acts_the_same_behind_the_wire(
    dtype: torch.dtype, is_shared: bool, model: ModelSpec
) -> None:
    torch.manual_seed(1)
    hardware = Hardware(torch.device("cpu"), dtype)
    weights = weights_of(ActorCritic(model, is_shared), dtype)
    frames = [bytes(frame) for frame in encode(Message("x", {}, weights_to_arrays(weights)))]
    arrived = arrays_to_weights(decode(frames).arrays)
    assert arrived.keys() == weights.keys()
    for name, tensor in weights.items():
        assert arrived[name].dtype is dtype
        assert torch.equal(arrived[name], tensor)
    here, there = (ClippedPPO.actor(model, Hyperparameters(), hardware, seed=5) for _ in range(2))
    here.load(weights)
    there.load(arrived)
    images = np.random.default_rng(0).integers(0, 255, (3, 120, 160)).astype(np.uint8)
    obs = {"FRONT_FACING_CAMERA": images}
    one, other = here.act(obs), there.act(obs)
    np.testing.assert_array_equal(one.actions, other.actions)
    for name, values in one.extras.items():
        np.testing.assert_array_equal(values, other.extras[name])


def test_odd_bit_patterns_survive() -> None:
    odd = torch.tensor([float("nan"), float("-inf"), -0.0, 1e-40]).to(torch.bfloat16)
    arrived = arrays_to_weights(weights_to_arrays({"odd": odd}))["odd"]
    assert torch.equal(arrived.view(torch.int16), odd.view(torch.int16))
    arrived += 1  # a copy: frames are read-only
