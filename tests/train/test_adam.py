"""Adam: every bit as torch's own, and without what that imports."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from model_specs import new_network

from drcli.train.adam import Adam
from drcli.train.algorithms.ppo_learner import ADAM_EPS


@pytest.mark.slow  # torch's own imports the compiler
def test_updates_are_those_of_torch() -> None:
    torch.manual_seed(0)
    network, other = (new_network(num_actions=0) for _ in range(2))
    other.load_state_dict(network.state_dict())
    ours = Adam(network.parameters(), lr=0.01, eps=ADAM_EPS)
    theirs = torch.optim.Adam(other.parameters(), lr=0.01, eps=ADAM_EPS, fused=True)
    before = network.policy.dense.weight.detach().clone()
    for step in range(4):
        generator = torch.Generator().manual_seed(step)
        for a, b in zip(network.parameters(), other.parameters(), strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        ours.step()
        theirs.step()
    for a, b in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(network.policy.dense.weight, before)
    ours.zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.slow
def test_a_learner_does_not_import_the_compiler() -> None:
    code = (
        "import sys\n"
        "from drcli.config.hyperparameters import Hyperparameters\n"
        "from drcli.config.model_metadata import ModelMetadata\n"
        "from drcli.train.actor_critic import ActorCritic\n"
        "from drcli.train.algorithms.ppo import ClippedPPO\n"
        "from drcli.train.hardware import Hardware\n"
        "from drcli.train.model import ModelSpec\n"
        """metadata = ModelMetadata.parse('{"action_space": [{"steering_angle": 0, "speed": 1}]}', "")\n"""
        "network = ActorCritic(ModelSpec.of(metadata))\n"
        "ClippedPPO.learner(network, Hyperparameters(), Hardware.detect(), 0)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
