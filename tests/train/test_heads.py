"""Heads: probabilities by hand, and what becomes of actions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from model_specs import metadata, model_of

from drcli.train.exploration import Exploration
from drcli.train.heads.categorical import Categorical, CategoricalDistribution
from drcli.train.heads.gaussian import LOG_STD_MAX, Gaussian, GaussianDistribution
from drcli.train.heads.squashed import Squashed, SquashedDistribution


def test_categorical_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.25, 0.75], [1.0, 1e-12]]))
    distribution = CategoricalDistribution(logits)
    logprobs, entropy = distribution.log_prob(torch.tensor([1, 1])), distribution.entropy()
    assert logprobs[0].item() == pytest.approx(math.log(0.75))
    assert logprobs[1].item() == pytest.approx(math.log(1e-8))  # floored
    assert entropy[0].item() == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))
    assert distribution.greedy().tolist() == [1, 0]


def test_normal_by_hand() -> None:
    log_std = torch.log(torch.tensor([[1.0, 2.0]]))
    distribution = GaussianDistribution(torch.tensor([[0.0, 1.0]]), log_std)
    logprobs, entropy = distribution.log_prob(torch.tensor([[1.0, 1.0]])), distribution.entropy()
    expected = -0.5 - math.log(math.sqrt(2 * math.pi)) - math.log(2 * math.sqrt(2 * math.pi))
    assert logprobs.item() == pytest.approx(expected)
    assert entropy.item() == pytest.approx(2 * (0.5 + 0.5 * math.log(2 * math.pi)) + math.log(2))


def test_samples_of_a_list_follow_its_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.5, 0.3]])).expand(4000, 3)
    drawn = CategoricalDistribution(logits).sample(torch.Generator().manual_seed(1))
    assert drawn.dtype is torch.int64
    np.testing.assert_allclose(np.bincount(drawn) / 4000, [0.2, 0.5, 0.3], atol=0.03)


@pytest.mark.parametrize(("epsilon", "greedy_share"), [(0.0, 1.0), (0.3, 0.8), (1.0, 1 / 3)])
def test_epsilon_is_the_share_of_random_actions(epsilon: float, greedy_share: float) -> None:
    logits = torch.tensor([[0.0, 9.0, 0.0]]).expand(4000, 3)
    drawn = CategoricalDistribution(logits).sample(torch.Generator().manual_seed(1), epsilon)
    assert (drawn == 1).float().mean().item() == pytest.approx(greedy_share, abs=0.03)


def test_continuous_actions_stay_within_their_range() -> None:
    distribution = GaussianDistribution(torch.tensor([[2.0, 0.0]]).expand(2000, 2), torch.zeros(1, 2))
    drawn = distribution.sample(torch.Generator().manual_seed(1), epsilon=1.0)
    assert drawn.abs().max() == 1
    assert drawn[:, 1].mean().item() == pytest.approx(0, abs=0.1)
    assert distribution.greedy()[0].tolist() == [1.0, 0.0]


def test_log_std_is_kept_in_bounds() -> None:
    [name] = model_of(0).head.free_variables()
    wild = model_of(0).head.distribution(torch.zeros(1, 2), {name: torch.full((1, 2), 99.0)})
    tame = model_of(0).head.distribution(torch.zeros(1, 2), {name: torch.full((1, 2), LOG_STD_MAX)})
    assert torch.equal(wild.entropy(), tame.entropy())


def test_discrete_actions_are_rows_of_the_list_whatever_their_index_says() -> None:
    actions = [
        {"index": 2, "steering_angle": -30, "speed": 0.6},
        {"index": 0, "steering_angle": 0, "speed": 5.0},
        {"index": 1, "steering_angle": 15.5, "speed": 2},
    ]
    head = Categorical.of(metadata(action_space=actions))
    assert (head.num_outputs, head.action_shape, head.action_dtype) == (3, (), np.int64)
    commands = head.commands(np.array([2, 0, 1, 2]))
    assert commands.steering_deg.tolist() == [15.5, -30.0, 0.0, 15.5]
    assert commands.speed_mps.tolist() == [2.0, 0.6, 5.0, 2.0]
    assert commands.labels == [2, 0, 1, 2]


def test_continuous_actions_fill_their_bounds() -> None:
    bounds = {"steering_angle": {"low": -10, "high": 30}, "speed": {"low": 0.5, "high": 4.5}}
    head = Gaussian.of(metadata(0, action_space=bounds))
    assert (head.num_outputs, head.action_shape, head.action_dtype) == (2, (2,), np.float32)
    commands = head.commands(np.array([[-1, -1], [1, 1], [0, 0.5]], np.float32))
    assert commands.steering_deg.tolist() == [-10.0, 30.0, 10.0]
    assert commands.speed_mps.tolist() == [0.5, 4.5, 3.5]
    assert commands.labels == ["[-10.0 0.5]", "[30.0 4.5]", "[10.0 3.5]"]


def test_the_action_space_decides_the_head() -> None:
    assert isinstance(model_of(5).head, Categorical)
    assert isinstance(model_of(0).head, Gaussian)


def test_e_greedy_schedule() -> None:
    exploration = Exploration(is_e_greedy=True, e_greedy_value=0.1, epsilon_steps=100)
    assert [exploration.epsilon(s) for s in (0, 50, 100, 1000)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert Exploration().epsilon(50) is None


# Squashed: of SAC


def squashed_of(mean: float, std: float, rows: int = 1) -> SquashedDistribution:
    """The same in one dimension for every row."""
    return SquashedDistribution(torch.full((rows, 1), mean), torch.full((rows, 1), math.log(std)))


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.8, 0.3), (-1.5, 0.6)])
def test_squashed_probabilities_and_entropy_against_numbers(mean: float, std: float) -> None:
    """The density integrates to 1, its moments are those of samples, its entropy is the mean of -log p."""
    actions = torch.linspace(-1, 1, 20_001, dtype=torch.float64)[1:-1].unsqueeze(1)
    wide = SquashedDistribution(torch.full_like(actions, mean), torch.full_like(actions, math.log(std)))
    logprobs = wide.log_prob(actions)
    density, width = logprobs.exp(), 1e-4
    assert (density.sum() * width).item() == pytest.approx(1, abs=1e-3)
    entropy = -(density * logprobs).sum().item() * width
    assert squashed_of(mean, std).entropy().item() == pytest.approx(entropy, abs=2e-2)
    drawn = squashed_of(mean, std, 20_000).sample(torch.Generator().manual_seed(1))
    assert drawn.mean().item() == pytest.approx((density * actions[:, 0]).sum().item() * width, abs=0.02)
    assert squashed_of(mean, std).greedy().item() == pytest.approx(math.tanh(mean))


def test_squashed_draws_come_with_their_log_probability() -> None:
    means, log_std = torch.tensor([[0.3, -0.5]]).expand(50, 2), torch.tensor([[-0.2, -1.0]]).expand(50, 2)
    distribution = SquashedDistribution(means, log_std)
    actions, logprobs = distribution.draw(torch.Generator().manual_seed(1))
    torch.testing.assert_close(logprobs, distribution.log_prob(actions), atol=1e-4, rtol=1e-4)


def test_squashed_gradients_flow_through_a_draw() -> None:
    outputs = torch.zeros(4, 4, requires_grad=True)
    squashed = Squashed.of(metadata(0)).distribution(outputs, {})
    actions, logprobs = squashed.draw(torch.Generator().manual_seed(1))
    actions.sum().backward(retain_graph=True)
    of_actions = outputs.grad.clone()
    outputs.grad = None
    logprobs.sum().backward()
    assert (of_actions != 0).all() and (outputs.grad[:, 2:] != 0).all()


def test_far_out_is_finite() -> None:
    distribution = SquashedDistribution(torch.tensor([[30.0]]), torch.tensor([[2.0]]))
    actions, logprobs = distribution.draw(torch.Generator().manual_seed(1))
    assert actions.item() == 1 and logprobs.isfinite() and distribution.entropy().isfinite()
    assert distribution.log_prob(torch.tensor([[1.0]])).isfinite()


def test_squashed_divergence_by_hand() -> None:
    """Before tanh the wanted action 0.5 is atanh 0.5, and 0.3, one standard deviation closer to 0, is atanh 0.3."""
    wanted = GaussianDistribution(torch.full((1, 1), 0.5), torch.full((1, 1), math.log(0.2)))
    mean, spread = math.atanh(0.5), math.atanh(0.5) - math.atanh(0.3)
    assert squashed_of(mean, spread).divergence_from(wanted).item() == pytest.approx(0, abs=1e-6)
    apart = squashed_of(mean + 0.4, spread).divergence_from(wanted).item()
    assert apart == pytest.approx(0.5 * (0.4 / spread) ** 2, rel=1e-4)
    wider = squashed_of(mean, 1.1 * spread).divergence_from(wanted).item()
    assert wider == pytest.approx(math.log(1.1) + 0.5 / 1.1**2 - 0.5, rel=0.15)  # that of Normals


def test_squashed_divergence_from_what_is_beyond_the_bounds_is_finite_and_pulls_back() -> None:
    wanted = GaussianDistribution(torch.tensor([[7.0, -7.0, 0.0]]), torch.tensor([[-1.0, 1.0, 1.0]]))
    means = torch.tensor([[9.0, 0.0, 0.0]], requires_grad=True)
    gap = SquashedDistribution(means, torch.zeros(1, 3)).divergence_from(wanted)
    gap.sum().backward()
    assert gap.isfinite().all()
    assert means.grad[0, 0] > 0.1 and means.grad[0, 1] > 0.1  # both come down: closer to the bounds


def test_squashed_commands_are_those_of_the_bounds() -> None:
    commands = Squashed.of(metadata(0)).commands(np.array([[-1, 1], [0, 0]], np.float32))
    assert commands.steering_deg.tolist() == [-30, 0]
    assert commands.speed_mps.tolist() == [3, 1.75]
