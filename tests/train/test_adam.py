"""Adam: every bit as torch's own, and without what that imports."""

from __future__ import annotations

import subprocess
import sys

import torch

from drcli.train.adam import Adam
from drcli.train.network import ActorCritic, PolicySpec
from drcli.train.ppo import ADAM_EPS


def test_updates_are_those_of_torch() -> None:
    torch.manual_seed(0)
    network, other = (ActorCritic(PolicySpec(3, is_continuous=True)) for _ in range(2))
    other.load_state_dict(network.state_dict())
    ours = Adam(network.parameters(), lr=0.01, eps=ADAM_EPS)
    theirs = torch.optim.Adam(other.parameters(), lr=0.01, eps=ADAM_EPS, fused=True)
    before = network.policy.weight.detach().clone()
    for step in range(4):
        generator = torch.Generator().manual_seed(step)
        for a, b in zip(network.parameters(), other.parameters(), strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        ours.step()
        theirs.step()
    for a, b in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(network.policy.weight, before)
    ours.zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_learner_does_not_import_the_compiler() -> None:
    code = (
        "import sys\n"
        "from drcli.train.ppo import Hyper, Learner\n"
        "from drcli.train.network import ActorCritic, PolicySpec\n"
        "from drcli.train.hardware import Hardware\n"
        "Learner(ActorCritic(PolicySpec(2), is_blank=True), Hyper(), Hardware.detect(), 0)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
