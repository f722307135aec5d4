"""Advantages and losses against hand-computed values; the update against a task that takes seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from drcli.errors import DrError
from drcli.train import distribution
from drcli.train.hardware import Hardware
from drcli.train.network import ActorCritic, PolicySpec
from drcli.train.policy import Exploration, Policy
from drcli.train.ppo import (
    Hyper,
    Learner,
    Rollout,
    concatenate,
    gae,
    minibatch_size,
    surrogate_loss,
    value_loss,
)

CPU = Hardware(torch.device("cpu"), torch.float32)


def rollout(rewards, values, dones, lengths, last_values, obs=None, actions=None, logprobs=None):
    n = len(rewards)
    return Rollout(
        np.zeros((n, 120, 160), np.uint8) if obs is None else obs,
        np.zeros(n, np.int64) if actions is None else actions,
        np.zeros(n, np.float32) if logprobs is None else logprobs,
        np.asarray(values, np.float32),
        np.asarray(rewards, np.float32),
        np.asarray(dones, bool),
        np.asarray(lengths, np.int64),
        np.asarray(last_values, np.float32),
    )


def test_gae_by_hand():
    # Car 1: r = 1, 2 with V = 0.5, 1 and the value 3 of what it sees next; gamma = 0.5, lambda = 0.5.
    #   delta_1 = 2 + 0.5*3 - 1 = 2.5            A_1 = 2.5
    #   delta_0 = 1 + 0.5*1 - 0.5 = 1            A_0 = 1 + 0.25*2.5 = 1.625
    # Car 2: r = 4, 1 with V = 2, 1; its episode ends with the first step, the next goes on to a value of 2.
    #   A_0 = 4 - 2 = 2;  delta_1 = 1 + 0.5*2 - 1 = 1  A_1 = 1
    data = rollout([1, 2, 4, 1], [0.5, 1, 2, 1], [0, 0, 1, 0], [2, 2], [3, 2])
    advantages, targets = gae(data, gamma=0.5, lam=0.5)
    np.testing.assert_allclose(advantages, [1.625, 2.5, 2, 1])
    np.testing.assert_allclose(targets, [2.125, 3.5, 4, 2])


def test_gae_with_lambda_one_is_the_return_minus_the_value():
    data = rollout([1, 1, 1], [0.3, 0.2, 0.1], [0, 0, 1], [3], [99])
    advantages, targets = gae(data, gamma=0.9, lam=1.0)
    np.testing.assert_allclose(targets, [1 + 0.9 + 0.81, 1.9, 1], rtol=1e-6)
    np.testing.assert_allclose(advantages, targets - data.values)


def test_concatenated_rollouts_keep_cars_apart():
    one = rollout([1, 2], [0, 0], [0, 0], [2], [5])
    two = rollout([3], [0], [1], [1], [7])
    both = gae(concatenate([one, two]), 0.9, 0.95)[0]
    np.testing.assert_allclose(both, np.concatenate([gae(one, 0.9, 0.95)[0], gae(two, 0.9, 0.95)[0]]))


def test_surrogate_loss_by_hand():
    # A = 1: ratio 1.5 is clipped to 1.2, ratio 0.5 is not (min). A = -1: ratio 0.5 is clipped to 0.8.
    old = torch.zeros(3)
    new = torch.log(torch.tensor([1.5, 0.5, 0.5]))
    advantages = torch.tensor([1.0, 1.0, -1.0])
    assert surrogate_loss(new, old, advantages).item() == pytest.approx(-(1.2 + 0.5 - 0.8) / 3)


def test_value_losses_by_hand():
    values, targets = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 3.0])
    assert value_loss(values, targets, is_huber=True).item() == pytest.approx((0.125 + 2.5) / 2)
    assert value_loss(values, targets, is_huber=False).item() == pytest.approx((0.25 + 9) / 2)


def test_categorical_by_hand():
    logits = torch.log(torch.tensor([[0.25, 0.75], [1.0, 1e-12]]))
    logprobs, entropy = distribution.categorical(logits, torch.tensor([1, 1]))
    assert logprobs[0].item() == pytest.approx(math.log(0.75))
    assert logprobs[1].item() == pytest.approx(math.log(1e-8))  # floored
    assert entropy[0].item() == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_normal_by_hand():
    logprobs, entropy = distribution.normal(
        torch.tensor([[0.0, 1.0]]), torch.log(torch.tensor([[1.0, 2.0]])), torch.tensor([[1.0, 1.0]])
    )
    expected = -0.5 - math.log(math.sqrt(2 * math.pi)) - math.log(2 * math.sqrt(2 * math.pi))
    assert logprobs.item() == pytest.approx(expected)
    assert entropy.item() == pytest.approx(2 * (0.5 + 0.5 * math.log(2 * math.pi)) + math.log(2))


@pytest.mark.parametrize(("steps", "size"), [(1000, 64), (65, 64), (64, 64), (63, 32), (5, 4), (1, 1)])
def test_minibatch_size(steps, size):
    assert minibatch_size(64, steps) == size


def bandit(policy, images, step):
    """Reward 1 for the action that names the bright third of the image."""
    decision = policy.act(images[:, 0], step=step)
    rewards = (decision.actions == images[:, 1, 0, 0]).astype(np.float32)
    n = len(rewards)
    return Rollout(
        images[:, 0], decision.actions, decision.logprobs, decision.values, rewards,
        np.ones(n, bool), np.ones(n, np.int64), np.zeros(n, np.float32),
    )  # fmt: skip


def solve_bandit(seed):
    torch.manual_seed(seed)
    network = ActorCritic(PolicySpec(3))
    learner = Learner(network, Hyper(batch_size=16, num_epochs=1, lr=1e-3, beta_entropy=0.0), CPU, seed)
    policy = Policy(PolicySpec(3), CPU, Exploration(), seed)
    rng = np.random.default_rng(seed)
    scores = []
    for step in range(25):
        policy.load(network.weights(torch.float32))
        labels = rng.integers(0, 3, 48)
        images = np.zeros((48, 2, 120, 160), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[0, :, label * 53 : label * 53 + 53] = 200
            image[1] = label
        data = bandit(policy, images, step)
        scores.append(data.rewards.mean())
        learner.update(data)
    return scores, [t.clone() for t in network.parameters()]


def test_a_task_is_solved_in_seconds_and_the_same_seed_learns_the_same():
    scores, weights = solve_bandit(1)
    assert scores[-1] > 0.9 > 0.6 > scores[0]
    again, weights_again = solve_bandit(1)
    assert scores == again
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_again, strict=True))


def test_continuous_policy_moves_towards_rewarded_actions():
    torch.manual_seed(0)
    spec = PolicySpec(2, is_continuous=True)
    network = ActorCritic(spec)
    learner = Learner(network, Hyper(batch_size=32, num_epochs=4, lr=1e-3), CPU, 0)
    policy = Policy(spec, CPU, Exploration(), 0)
    obs = np.full((64, 120, 160), 128, np.uint8)
    for _ in range(10):
        policy.load(network.weights(torch.float32))
        decision = policy.act(obs)
        assert np.abs(decision.actions).max() <= 1
        rewards = decision.actions[:, 0] - decision.actions[:, 1]
        n = len(rewards)
        data = Rollout(
            obs, decision.actions, decision.logprobs, decision.values, rewards,
            np.ones(n, bool), np.ones(n, np.int64), np.zeros(n, np.float32),
        )  # fmt: skip
        learner.update(data)
    policy.load(network.weights(torch.float32))
    steering, speed = policy.act(obs[:1], greedy=True).actions[0]
    assert steering > 0.3 > -0.3 > speed


def test_nan_stops_with_a_message():
    learner = Learner(ActorCritic(PolicySpec(2)), Hyper(batch_size=2, num_epochs=1), CPU, 0)
    with pytest.raises(DrError, match="diverged"):
        learner.update(rollout([1, 1, 0], [math.nan, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]))


def test_e_greedy_schedule():
    exploration = Exploration(is_e_greedy=True, e_greedy_value=0.1, epsilon_steps=100)
    assert [exploration.epsilon(s) for s in (0, 50, 100, 1000)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
