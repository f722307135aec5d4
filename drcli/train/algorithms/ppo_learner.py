"""Clipped PPO in the trainer: advantages, losses and the update of one iteration.

Constants are those of the community's engine (rl_coach `clipped_ppo_agent.py`, `sagemaker_graph_manager.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import get_total_norm

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.train.actor_critic import ActorCritic
from drcli.train.adam import Adam
from drcli.train.algorithms.advantages import GAE_LAMBDA, gae
from drcli.train.algorithms.value_fit import fit_value_head
from drcli.train.hardware import Hardware
from drcli.train.rollout import Rollout, flat_index

CLIP = 0.2
ADAM_EPS = 1e-5

_STATS = ("surrogate_loss", "value_loss", "entropy", "kl_divergence")


class Samples(NamedTuple):
    """The steps of an iteration or of a minibatch: obs by sensor [N, …], actions [N] or [N, D], the others [N]."""

    obs: dict[str, Tensor]
    actions: Tensor
    logprobs: Tensor
    advantages: Tensor
    targets: Tensor

    def at(self, index: Tensor) -> Samples:
        """The samples at an index [B]."""
        obs, *others = self
        return Samples({name: part[index] for name, part in obs.items()}, *(part[index] for part in others))


def surrogate_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor) -> Tensor:
    """The clipped objective, negated: scalar. All inputs [B]."""
    ratio = (logprobs - old_logprobs).exp()
    return -torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages).mean()


def value_loss(values: Tensor, targets: Tensor, is_huber: bool) -> Tensor:
    """Mean Huber loss (delta 1) or mean squared error of values [B] against targets [B]."""
    return F.huber_loss(values, targets) if is_huber else F.mse_loss(values, targets)


def minibatch_size(batch_size: int, num_steps: int) -> int:
    """`batch_size`, or the largest power of two that fits into a rollout that is no larger than a batch."""
    return batch_size if num_steps > batch_size else 1 << (num_steps.bit_length() - 1)


class PPOLearner:
    """Owns the network and its optimizer; `learn` is called once per iteration."""

    def __init__(
        self, network: ActorCritic, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> None:
        self.network = network.to(hardware.device)
        self._hyper = hyperparameters
        self._hardware = hardware
        self._rng = np.random.default_rng(seed)
        self._beta_entropy = hyperparameters.beta_entropy
        self._optimizer = Adam(self.network.parameters(), hyperparameters.lr, ADAM_EPS)

    def learn(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Learn; returns means over the minibatches of each epoch. Losses are dimensionless, entropy and KL in nats.

        Raises:
            DrError: the training has diverged.
        """
        samples = self._samples(rollouts)
        num_steps = len(samples.advantages)
        size = minibatch_size(self._hyper.batch_size, num_steps)
        return [self._epoch(samples, num_steps, size) for _ in range(self._hyper.num_epochs)]

    def cool(self, share: float) -> None:
        """Go on with this share of the learning rate and of the entropy bonus that the hyperparameters say."""
        self._optimizer.lr = share * self._hyper.lr
        self._beta_entropy = share * self._hyper.beta_entropy

    def adapt(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Fit the value head to what the policy earns, and leave everything else: advantages make sense from now on."""
        fit_value_head(self.network, rollouts, self._hyper.discount_factor)
        return []

    def state(self) -> dict[str, Tensor]:
        """Empty: as in coach, a resumed run restarts Adam from scratch. Its moments would double every checkpoint."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to restore."""

    def _samples(self, rollouts: Sequence[Rollout]) -> Samples:
        """All steps that count, car by car, with advantages standardised over all of them."""
        where = [flat_index(rollout) for rollout in rollouts]
        estimates = [gae(rollout, self._hyper.discount_factor, GAE_LAMBDA) for rollout in rollouts]
        advantages = _joined([part[index] for (part, _), index in zip(estimates, where, strict=True)])
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        pairs = list(zip(rollouts, where, strict=True))
        logprobs = _joined([rollout.extras["logprobs"][index] for rollout, index in pairs])
        return Samples(
            {
                name: self._tensor([rollout.obs[name][index] for rollout, index in pairs])
                for name in rollouts[0].obs
            },
            self._tensor([rollout.actions[index] for rollout, index in pairs]),
            self._tensor([logprobs]),
            self._tensor([advantages]),
            self._tensor([part[index] for (_, part), index in zip(estimates, where, strict=True)]),
        )

    def _tensor(self, parts: Sequence[NDArray[np.generic]]) -> Tensor:
        return torch.from_numpy(_joined(parts)).to(self._hardware.device)

    def _epoch(self, samples: Samples, num_steps: int, size: int) -> dict[str, float]:
        order = torch.from_numpy(self._rng.permutation(num_steps)).to(self._hardware.device)
        starts = range(0, num_steps - size + 1, size)  # a trailing partial minibatch is dropped, as in coach
        sums = torch.zeros(len(_STATS))
        for start in starts:
            sums += self._step(samples.at(order[start : start + size]))
        stats = dict(zip(_STATS, (sums / len(starts)).tolist(), strict=True))
        is_finite = np.isfinite(stats["surrogate_loss"] + stats["value_loss"])
        if not (is_finite and get_total_norm(self.network.parameters()).isfinite()):
            raise DrError(
                "The training has diverged: its loss or its weights are no longer numbers.",
                "Lower `lr` in hyperparameters.json or keep the reward in a smaller range.",
            )
        return stats

    def _step(self, batch: Samples) -> Tensor:
        """Do one update; returns its statistics in the order of _STATS."""
        hyper = self._hyper
        with self._hardware.autocast():
            outputs, values = self.network(batch.obs)
        distribution = self.network.policy.distribution(outputs.float())
        logprobs = distribution.log_prob(batch.actions)
        surrogate = surrogate_loss(logprobs, batch.logprobs, batch.advantages)
        value = value_loss(values.float(), batch.targets, hyper.loss_type == "huber")
        entropy = distribution.entropy().mean()
        self._optimizer.zero_grad()
        (surrogate + value - self._beta_entropy * entropy).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        kl = (batch.logprobs - logprobs).mean()
        return torch.stack((surrogate, value, entropy, kl)).detach().cpu()


def _joined(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
