"""SAC in the trainer: the replay of past steps, losses and updates.

Losses, their order and constants are those of the community's engine (`markov/multi_agent_coach/agents/sac_agent.py`,
`sagemaker_graph_manager.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import get_total_norm

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.train.adam import Adam
from drcli.train.algorithms.ppo_learner import ADAM_EPS, value_loss
from drcli.train.algorithms.replay import Replay, Transitions
from drcli.train.hardware import Hardware
from drcli.train.rollout import Rollout
from drcli.train.soft_actor_critic import SoftActorCritic

FIRST_STEPS = 256  # before the first update; fewer tell it nothing but where the first car started
REST_STEPS = 1024  # with a policy that was learned otherwise: critics learn first, and leave it alone

_STATS = ("policy_loss", "q_loss", "value_loss", "entropy")


class Batch(NamedTuple):
    """`Transitions` on the device: obs by sensor [B, …], actions [B, D], rewards [B], dones float32 [B]."""

    obs: dict[str, Tensor]
    actions: Tensor
    rewards: Tensor
    dones: Tensor
    next_obs: dict[str, Tensor]


def policy_loss(logprobs: Tensor, q: Tensor, alpha: float) -> Tensor:
    """Scalar, of actions drawn now: their log-probabilities [B] and the lower of their two values [B]."""
    return (alpha * logprobs - q).mean()


def q_targets(batch: Batch, next_values: Tensor, gamma: float) -> Tensor:
    """What actions are worth, [B]: reward, and the value [B] of what is seen next unless the episode has ended."""
    return batch.rewards + gamma * (1 - batch.dones) * next_values


def q_loss(estimates: Sequence[Tensor], targets: Tensor) -> Tensor:
    """Scalar: half the mean squared error of each estimate [B]. `loss_type` is for the value network, as in coach."""
    return 0.5 * torch.stack([F.mse_loss(estimate, targets) for estimate in estimates]).sum()


class SACLearner:
    """Owns the networks, their optimizers and the replay; `learn` is called once per iteration."""

    def __init__(
        self, network: SoftActorCritic, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> None:
        self.network = network.to(hardware.device)
        self._hyper = hyperparameters
        self._hardware = hardware
        self._rng = np.random.default_rng(seed)
        self._noise = torch.Generator().manual_seed(seed)
        self._target = copy.deepcopy(network.value)
        sensors = [embedder.sensor for embedder in network.policy_trunk.embedders]
        self._replay = Replay(sensors, hyperparameters.sac_replay_size)
        policy = [*network.policy_trunk.parameters(), *network.policy.parameters()]
        of_policy = {id(parameter) for parameter in policy}
        critics = [parameter for parameter in network.parameters() if id(parameter) not in of_policy]
        self._optimizers = {
            name: Adam(parameters, hyperparameters.lr, ADAM_EPS)
            for name, parameters in (("policy", policy), ("critics", critics))
        }
        self._rest = 0  # steps for which the policy stays as it is
        self._due = 0.0  # updates
        self._since_copy = 0.0  # steps

    def learn(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Learn; returns means over the updates. Losses are dimensionless, the entropy is in nats of actions -1 … 1.

        Raises:
            DrError: the training has diverged.
        """
        steps = sum(self._replay.add(rollout) for rollout in rollouts)
        if len(self._replay) < FIRST_STEPS:
            return []
        self._due += steps * self._hyper.sac_updates_per_step
        num_updates = int(self._due)
        self._due -= num_updates
        sums = torch.zeros(len(_STATS))
        for _ in range(num_updates):
            batch = self._on_device(self._replay.sample(self._hyper.batch_size, self._rng))
            sums += self._update(batch, is_resting=self._rest > 0)
            self._copy_when_due()
        self._rest = max(0, self._rest - steps)
        return [self._checked(sums / num_updates)] if num_updates else []

    def adapt(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Let the critics learn what the policy earns, in this iteration and in the next ones, before it changes."""
        self._rest = REST_STEPS
        return self.learn(rollouts)

    def state(self) -> dict[str, Tensor]:
        """The state of the optimizers. Past steps are not in it: a resumed run fills the replay again."""
        return {
            f"{name}/{key}": part
            for name, optimizer in self._optimizers.items()
            for key, part in optimizer.state().items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore `state`."""
        for name, optimizer in self._optimizers.items():
            start = f"{name}/"
            optimizer.load_state(
                {key.removeprefix(start): part for key, part in state.items() if key.startswith(start)}
            )

    def _on_device(self, drawn: Transitions) -> Batch:
        def moved(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(self._hardware.device)

        return Batch(
            {name: moved(part) for name, part in drawn.obs.items()},
            moved(drawn.actions),
            moved(drawn.rewards),
            moved(drawn.dones.astype(np.float32)),
            {name: moved(part) for name, part in drawn.next_obs.items()},
        )

    def _update(self, batch: Batch, *, is_resting: bool) -> Tensor:
        """Do one update of all networks; returns its statistics in the order of _STATS.

        All losses are of the networks as they were before it: so the order policy, value, Q of coach changes nothing.
        """
        network, alpha = self.network, self._hyper.sac_alpha
        with self._hardware.autocast():
            seen = network(batch.obs)
        actions, logprobs = network.policy.distribution(network.policy(seen.policy)).draw(self._noise)
        q = network.q.least(seen.q.detach(), actions)
        of_policy = policy_loss(logprobs, q, alpha)
        values, targets = network.value.valued(seen.value), (q - alpha * logprobs).detach()
        of_value = value_loss(values, targets, self._hyper.loss_type == "huber")
        of_q = q_loss(network.q(seen.q, batch.actions), self._q_targets(batch))
        for optimizer in self._optimizers.values():
            optimizer.zero_grad()
        (of_value + of_q).backward()  # type: ignore[no-untyped-call]
        if not is_resting:
            parameters = network.policy_parameters()
            for parameter, gradient in zip(
                parameters, torch.autograd.grad(of_policy, parameters), strict=True
            ):
                parameter.grad = gradient
            self._optimizers["policy"].step()
        self._optimizers["critics"].step()
        return torch.stack((of_policy, of_q, of_value, -logprobs.mean())).detach().cpu()

    @torch.no_grad()
    def _q_targets(self, batch: Batch) -> Tensor:
        trunk = self._target.trunk
        with self._hardware.autocast():
            seen = trunk(trunk.prepare(batch.next_obs, self.network.dtype))
        return q_targets(batch, self._target.valued(seen.float()), self._hyper.discount_factor)

    def _copy_when_due(self) -> None:
        """Copy the value network to its target every `num_episodes_between_training` steps, as coach counts them."""
        self._since_copy += 1 / self._hyper.sac_updates_per_step
        if self._since_copy >= self._hyper.num_episodes_between_training:
            self._since_copy = 0.0
            self._target.load_state_dict(self.network.value.state_dict())

    def _checked(self, means: Tensor) -> dict[str, float]:
        if not (means.isfinite().all() and get_total_norm(self.network.parameters()).isfinite()):
            raise DrError(
                "The training has diverged: its loss or its weights are no longer numbers.",
                "Lower `lr` in hyperparameters.json or keep the reward in a smaller range.",
            )
        return dict(zip(_STATS, means.tolist(), strict=True))
