"""Advantages and losses against hand-computed values; the update against a task that takes seconds."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from model_specs import CAMERA, HEIGHT, WIDTH, small_model

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError, UsageError
from drcli.train.algorithms.advantages import gae
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.algorithms.ppo_learner import minibatch_size, surrogate_loss, value_loss
from drcli.train.hardware import Hardware
from drcli.train.network import weights_of
from drcli.train.rollout import Rollout, RolloutBuffer, RolloutSpec, flat_index

CPU = Hardware(torch.device("cpu"), torch.float32)


def rollout(rewards, values, dones, last_values, valid=None, num_actions=2):
    """Of lists [T][K]; the cars see nothing and do the first action, with a log-probability of 0."""
    rewards = np.asarray(rewards, np.float32)
    steps, cars = rewards.shape
    spec = RolloutSpec.of(small_model(num_actions), ClippedPPO.extras)
    blank = spec.zeros(steps, cars)
    return Rollout(
        blank.obs,
        blank.actions,
        rewards,
        np.asarray(dones, bool),
        np.ones((steps, cars), bool) if valid is None else np.asarray(valid, bool),
        {"logprobs": blank.extras["logprobs"], "values": np.asarray(values, np.float32)},
        blank.last_obs,
        {"logprobs": blank.last_extras["logprobs"], "values": np.asarray(last_values, np.float32)},
    )


def test_gae_by_hand():
    # Car 1: r = 1, 2 with V = 0.5, 1 and the value 3 of what it sees next; gamma = 0.5, lambda = 0.5.
    #   delta_1 = 2 + 0.5*3 - 1 = 2.5            A_1 = 2.5
    #   delta_0 = 1 + 0.5*1 - 0.5 = 1            A_0 = 1 + 0.25*2.5 = 1.625
    # Car 2: r = 4, 1 with V = 2, 1; its episode ends with the first step, the next goes on to a value of 2.
    #   A_0 = 4 - 2 = 2;  delta_1 = 1 + 0.5*2 - 1 = 1  A_1 = 1
    data = rollout([[1, 4], [2, 1]], [[0.5, 2], [1, 1]], [[0, 1], [0, 0]], [3, 2])
    advantages, targets = gae(data, gamma=0.5, lam=0.5)
    np.testing.assert_allclose(advantages, [[1.625, 2], [2.5, 1]])
    np.testing.assert_allclose(targets, [[2.125, 4], [3.5, 2]])


def test_gae_with_lambda_one_is_the_return_minus_the_value():
    data = rollout([[1], [1], [1]], [[0.3], [0.2], [0.1]], [[0], [0], [1]], [99])
    advantages, targets = gae(data, gamma=0.9, lam=1.0)
    np.testing.assert_allclose(targets[:, 0], [1 + 0.9 + 0.81, 1.9, 1], rtol=1e-6)
    np.testing.assert_allclose(advantages, targets - data.extras["values"])


def test_gae_passes_over_steps_that_a_parked_car_did_not_drive():
    whole = rollout([[1], [2], [4]], [[0.5], [1], [2]], [[0], [0], [0]], [3])
    parked = rollout(
        [[7], [1], [7], [2], [4], [7]],
        [[7], [0.5], [7], [1], [2], [7]],
        [[1], [0], [1], [0], [0], [1]],
        [3],
        valid=[[0], [1], [0], [1], [1], [0]],
    )
    for one, other in zip(gae(whole, 0.9, 0.8), gae(parked, 0.9, 0.8), strict=True):
        np.testing.assert_array_equal(one[flat_index(whole)], other[flat_index(parked)])


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


@pytest.mark.parametrize(("steps", "size"), [(1000, 64), (65, 64), (64, 64), (63, 32), (5, 4), (1, 1)])
def test_minibatch_size(steps, size):
    assert minibatch_size(64, steps) == size


def one_step(model, actor, images, rewards_of, step=0):
    """A step of as many cars as there are images, which ends their episodes."""
    obs, cars = {CAMERA: images}, len(images)
    decision = actor.act(obs, step=step)
    buffer = RolloutBuffer(RolloutSpec.of(model, ClippedPPO.extras), cars, capacity=1)
    rewards = rewards_of(decision.actions).astype(np.float32)
    buffer.add(np.arange(cars), obs, decision, rewards, np.ones(cars, bool))
    return buffer.rollout(obs, decision.extras)


def solve_bandit(seed):
    """Reward 1 for the action that names the bright third of the image."""
    torch.manual_seed(seed)
    model, hyper = small_model(3), Hyperparameters(batch_size=16, num_epochs=1, lr=1e-3, beta_entropy=0.0)
    learner = ClippedPPO.learner(ClippedPPO.network(model), hyper, CPU, seed)
    actor = ClippedPPO.actor(model, hyper, CPU, seed)
    rng = np.random.default_rng(seed)
    scores = []
    for step in range(25):
        actor.load(weights_of(learner.network, torch.float32))
        labels = rng.integers(0, 3, 48)
        images = np.zeros((48, HEIGHT, WIDTH), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, label * 26 : label * 26 + 26] = 200
        data = one_step(model, actor, images, lambda actions, labels=labels: actions == labels, step)
        scores.append(data.rewards.mean())
        learner.learn([data])
    return scores, [t.clone() for t in learner.network.parameters()]


def test_a_task_is_solved_in_seconds_and_the_same_seed_learns_the_same():
    scores, weights = solve_bandit(1)
    assert scores[-1] > 0.9 > 0.6 > scores[0]
    again, weights_again = solve_bandit(1)
    assert scores == again
    assert all(torch.equal(a, b) for a, b in zip(weights, weights_again, strict=True))


@pytest.mark.slow
def test_continuous_policy_moves_towards_rewarded_actions():
    torch.manual_seed(0)
    model, hyper = small_model(0), Hyperparameters(batch_size=32, num_epochs=4, lr=1e-3)
    learner = ClippedPPO.learner(ClippedPPO.network(model), hyper, CPU, 0)
    actor = ClippedPPO.actor(model, hyper, CPU, 0)
    obs = np.full((64, HEIGHT, WIDTH), 128, np.uint8)
    for _ in range(10):
        actor.load(weights_of(learner.network, torch.float32))
        data = one_step(model, actor, obs, lambda actions: actions[:, 0] - actions[:, 1])
        assert np.abs(data.actions).max() <= 1
        learner.learn([data])
    actor.load(weights_of(learner.network, torch.float32))
    steering, speed = actor.act({CAMERA: obs[:1]}, greedy=True).actions[0]
    assert steering > 0.3 > -0.3 > speed


def test_rollouts_of_several_workers_are_learned_from_in_their_order():
    """The same steps in one rollout or in two: the same samples, so the same weights."""
    whole = rollout([[1, 2, 0.5], [4, 1, 3]], [[0.5, 1, 2], [1, 1, 0]], [[0, 1, 0], [0, 0, 0]], [3, 2, 1])

    def part(cars):
        return Rollout(
            {CAMERA: whole.obs[CAMERA][:, cars]},
            whole.actions[:, cars],
            whole.rewards[:, cars],
            whole.dones[:, cars],
            whole.valid[:, cars],
            {name: array[:, cars] for name, array in whole.extras.items()},
            {CAMERA: whole.last_obs[CAMERA][cars]},
            {name: array[cars] for name, array in whole.last_extras.items()},
        )

    learned = []
    for rollouts in ([whole], [part(slice(0, 1)), part(slice(1, 3))]):
        torch.manual_seed(4)
        hyper = Hyperparameters(batch_size=2, num_epochs=2)
        learner = ClippedPPO.learner(ClippedPPO.network(small_model(2)), hyper, CPU, 0)
        learned.append((learner.learn(rollouts), weights_of(learner.network, torch.float32)))
    (stats, weights), (other_stats, other_weights) = learned
    assert stats == other_stats
    assert [*stats[0]] == ["surrogate_loss", "value_loss", "entropy", "kl_divergence"]
    assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())


def test_nan_stops_with_a_message():
    hyper = Hyperparameters(batch_size=2, num_epochs=1)
    learner = ClippedPPO.learner(ClippedPPO.network(small_model(2)), hyper, CPU, 0)
    with pytest.raises(DrError, match="diverged"):
        learner.learn([rollout([[1], [1], [0]], [[math.nan], [0], [0]], [[1], [1], [1]], [0])])


def test_nothing_is_remembered_beside_the_network():
    learner = ClippedPPO.learner(ClippedPPO.network(small_model(2)), Hyperparameters(), CPU, 0)
    assert learner.state() == {}
    learner.load_state({})


@pytest.mark.parametrize("kind", ["categorical", "e-greedy"])
def test_exploration_that_it_can_do(kind):
    ClippedPPO.check(Hyperparameters(exploration_type=kind))


def test_exploration_that_it_cannot_do_is_refused_with_what_it_can():
    with pytest.raises(UsageError, match=r"^here:2: .* exploration_type additive_noise") as caught:
        ClippedPPO.check(Hyperparameters.parse('{"lr": 1,\n"exploration_type": "additive_noise"}', "here"))
    assert "categorical, e-greedy" in caught.value.hint


def test_what_it_cannot_do_is_known_without_torch():
    code = (
        "import sys\n"
        "from drcli.config.hyperparameters import Hyperparameters\n"
        "from drcli.tables import ALGORITHMS\n"
        "ALGORITHMS.load('clipped_ppo').check(Hyperparameters())\n"
        "assert not {'torch', 'numba'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
