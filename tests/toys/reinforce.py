"""REINFORCE (Williams 1992) with a running mean as baseline: no value network, no old log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from drcli.train.rollout import Decision

if TYPE_CHECKING:
    from torch import Tensor

    from drcli.config.hyperparameters import Hyperparameters
    from drcli.train.hardware import Hardware
    from drcli.train.model import ModelSpec
    from drcli.train.network import PolicyNetwork
    from drcli.train.rollout import Rollout


class Reinforce:
    """The algorithm as `drcli.tables.ALGORITHMS` wants it."""

    extras: tuple[str, ...] = ()
    logged: Mapping[str, str] = {"loss": "Loss", "baseline": "Baseline"}

    @staticmethod
    def check(hyperparameters: Hyperparameters) -> None:
        """It takes them as they are."""

    @staticmethod
    def network(model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> PolicyNetwork:
        """A policy alone."""
        from drcli.train.checkpoint import fill
        from drcli.train.network import PolicyNetwork

        network = PolicyNetwork(model)
        network.initialise()
        if variables is not None:
            fill(network, variables)
        return network

    @staticmethod
    def learner(
        network: PolicyNetwork, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> ReinforceLearner:
        """For the trainer."""
        return ReinforceLearner(network, hyperparameters, hardware)

    @staticmethod
    def actor(
        model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> ReinforceActor:
        """For a worker."""
        return ReinforceActor(model, hardware, seed)


class ReinforceActor:
    """Samples."""

    def __init__(self, model: ModelSpec, hardware: Hardware, seed: int) -> None:
        import torch

        self._network = Reinforce.network(model).to(hardware.device, hardware.dtype)
        self._rng = torch.Generator().manual_seed(seed)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Of the learner's network."""
        self._network.load_state_dict(dict(weights))

    def act(self, obs: Mapping[str, Any], greedy: bool = False, step: int = 0) -> Decision:
        """Actions alone."""
        import torch

        with torch.inference_mode():
            outputs = self._network({name: torch.from_numpy(part) for name, part in obs.items()})
            choice = self._network.policy.distribution(outputs.float())
            actions = choice.greedy() if greedy else choice.sample(self._rng, None)
        return Decision(actions.numpy(), {})


class ReinforceLearner:
    """One gradient step for each iteration."""

    def __init__(self, network: PolicyNetwork, hyperparameters: Hyperparameters, hardware: Hardware) -> None:
        import torch

        self.network = network.to(hardware.device)
        self._gamma = hyperparameters.discount_factor
        self._optimizer = torch.optim.SGD(self.network.parameters(), hyperparameters.lr)
        self._baseline, self._updates = 0.0, 0

    def learn(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """By the returns of all steps."""
        import torch

        returns = np.concatenate([self._returns(rollout)[rollout.valid] for rollout in rollouts])
        obs = {
            name: torch.from_numpy(np.concatenate([rollout.obs[name][rollout.valid] for rollout in rollouts]))
            for name in rollouts[0].obs
        }
        actions = torch.from_numpy(np.concatenate([rollout.actions[rollout.valid] for rollout in rollouts]))
        self._updates += 1
        self._baseline += (float(returns.mean()) - self._baseline) / self._updates
        advantages = torch.from_numpy((returns - self._baseline).astype(np.float32))
        logprobs = self.network.policy.distribution(self.network(obs).float()).log_prob(actions)
        loss = -(logprobs * advantages).mean()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return [{"loss": float(loss.detach()), "baseline": self._baseline}]

    def adapt(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Nothing depends on where the policy comes from."""
        return []

    def state(self) -> dict[str, Tensor]:
        """The baseline, and of how many iterations."""
        import torch

        return {"baseline": torch.tensor([self._baseline, self._updates], dtype=torch.float64)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Where an earlier start has ended."""
        if state:
            self._baseline, self._updates = (float(number) for number in state["baseline"])

    def _returns(self, rollout: Rollout) -> Any:
        """Discounted rewards to go, within the rollout: [T, K]."""
        returns = np.zeros(rollout.rewards.shape)
        running = np.zeros(rollout.rewards.shape[1])
        for t in range(len(returns) - 1, -1, -1):
            running = rollout.rewards[t] + self._gamma * np.where(rollout.dones[t], 0.0, running)
            returns[t] = running
        return returns
