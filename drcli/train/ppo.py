"""Clipped PPO: advantages, losses and the update of one iteration.

Constants are those of the community's engine (rl_coach `clipped_ppo_agent.py`, `sagemaker_graph_manager.py`);
the algorithm is Schulman et al. 2017 (arXiv:1707.06347) with GAE (arXiv:1506.02438).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import get_total_norm

from drcli.errors import DrError
from drcli.train import distribution
from drcli.train.adam import Adam
from drcli.train.hardware import Hardware
from drcli.train.network import LOG_STD_MAX, LOG_STD_MIN, ActorCritic

CLIP = 0.2
GAE_LAMBDA = 0.95
ADAM_EPS = 1e-5

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Hyper:
    """What the update reads of hyperparameters.json."""

    batch_size: int = 64
    num_epochs: int = 10
    lr: float = 3e-4
    discount_factor: float = 0.999
    beta_entropy: float = 0.01
    is_huber: bool = False
    gae_lambda: float = GAE_LAMBDA


class Rollout(NamedTuple):
    """Experience of one iteration: the steps of every car in a row, car after car.

    obs uint8 [N, 120, 160]; actions int64 [N] or float32 [N, D]; logprobs, values, rewards float32 [N];
    dones bool [N] (the episode ended with this step); lengths int [S] (steps of each car, sum N);
    last_values float32 [S] (value of what each car sees next, unused when its last step ended an episode).
    """

    obs: NDArray[np.uint8]
    actions: NDArray[np.int64] | FloatArray
    logprobs: FloatArray
    values: FloatArray
    rewards: FloatArray
    dones: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    last_values: FloatArray


@dataclass(frozen=True)
class UpdateStats:
    """Means over the minibatches of one epoch; losses are dimensionless, entropy and KL in nats."""

    surrogate_loss: float
    value_loss: float
    entropy: float
    kl_divergence: float


def concatenate(rollouts: Sequence[Rollout]) -> Rollout:
    """Rollouts of several workers as one."""
    if len(rollouts) == 1:
        return rollouts[0]
    return Rollout(*(np.concatenate(parts) for parts in zip(*rollouts, strict=True)))


def gae(rollout: Rollout, gamma: float, lam: float) -> tuple[FloatArray, FloatArray]:
    """Generalised advantage estimates and value targets (advantage + value), float32 [N] each.

    An episode that ends is worth nothing afterwards, however it ended (as in the community's engine).
    """
    rewards, values, dones = rollout.rewards.tolist(), rollout.values.tolist(), rollout.dones.tolist()
    advantages = [0.0] * len(rewards)
    end = len(rewards)
    for length, last_value in zip(
        reversed(rollout.lengths.tolist()), reversed(rollout.last_values.tolist()), strict=True
    ):
        next_value, running = last_value, 0.0
        for i in range(end - 1, end - length - 1, -1):
            if dones[i]:
                next_value, running = 0.0, 0.0
            running = rewards[i] + gamma * next_value - values[i] + gamma * lam * running
            next_value = values[i]
            advantages[i] = running
        end -= length
    result = np.asarray(advantages, np.float32)
    return result, result + rollout.values


def surrogate_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor) -> Tensor:
    """The clipped objective, negated: scalar. All inputs [B]."""
    ratio = (logprobs - old_logprobs).exp()
    return -torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages).mean()


def value_loss(values: Tensor, targets: Tensor, is_huber: bool) -> Tensor:
    """Mean Huber loss (delta 1) or mean squared error of values [B] against targets [B]."""
    return F.huber_loss(values, targets) if is_huber else F.mse_loss(values, targets)


def minibatch_size(batch_size: int, num_steps: int) -> int:
    """`batch_size`, or the largest power of two below a rollout that is not larger than a batch."""
    return batch_size if num_steps > batch_size else 1 << (num_steps.bit_length() - 1)


class Learner:
    """Owns the network and its optimizer; one `update` per iteration."""

    def __init__(self, network: ActorCritic, hyper: Hyper, hardware: Hardware, seed: int) -> None:
        self.network = network.to(hardware.device)
        self.hyper = hyper
        self.hardware = hardware
        self._rng = np.random.default_rng(seed)
        self._optimizer = Adam(self.network.parameters(), hyper.lr, ADAM_EPS)

    def update(self, rollout: Rollout) -> list[UpdateStats]:
        """Learn from one iteration; one entry per epoch. DrError when it diverges."""
        hyper = self.hyper
        advantages, targets = gae(rollout, hyper.discount_factor, hyper.gae_lambda)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        parts = (rollout.obs, rollout.actions, rollout.logprobs, advantages, targets)
        data = tuple(torch.tensor(part, device=self.hardware.device) for part in parts)
        num_steps = len(rollout.rewards)
        size = minibatch_size(hyper.batch_size, num_steps)
        return [self._epoch(data, num_steps, size) for _ in range(hyper.num_epochs)]

    def _epoch(self, data: tuple[Tensor, ...], num_steps: int, size: int) -> UpdateStats:
        order = torch.from_numpy(self._rng.permutation(num_steps)).to(self.hardware.device)
        starts = range(0, num_steps - size + 1, size)  # a trailing partial minibatch is dropped, as in coach
        sums = torch.zeros(4)
        for start in starts:
            index = order[start : start + size]
            sums += self._step(*(part[index] for part in data))
        surrogate, value, entropy, kl = (sums / len(starts)).tolist()
        if not (np.isfinite(surrogate + value) and get_total_norm(self.network.parameters()).isfinite()):
            raise DrError(
                "The training has diverged: its loss or its weights are no numbers any more.",
                "Lower `lr` in hyperparameters.json or keep the reward in a smaller range.",
            )
        return UpdateStats(surrogate, value, entropy, kl)

    def _step(
        self, obs: Tensor, actions: Tensor, old_logprobs: Tensor, advantages: Tensor, targets: Tensor
    ) -> Tensor:
        hyper = self.hyper
        with self._autocast():
            outputs, values = self.network(obs)
        outputs, values = outputs.float(), values.float()
        if self.network.spec.is_continuous:
            log_std = self.network.log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)
            logprobs, entropies = distribution.normal(outputs, log_std, actions)
        else:
            logprobs, entropies = distribution.categorical(outputs, actions)
        surrogate = surrogate_loss(logprobs, old_logprobs, advantages)
        value = value_loss(values, targets, hyper.is_huber)
        entropy = entropies.mean()
        self._optimizer.zero_grad()
        (surrogate + value - hyper.beta_entropy * entropy).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        kl = (old_logprobs - logprobs).mean()
        return torch.stack((surrogate, value, entropy, kl)).detach().cpu()

    def _autocast(self) -> AbstractContextManager[object]:
        if self.hardware.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.hardware.device.type, self.hardware.dtype)
