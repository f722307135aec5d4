"""Clipped PPO (Schulman et al. 2017, arXiv:1707.06347) as the community's engine has it.

What it reads and says; it acts in `ppo_actor` and learns in `ppo_learner`, which import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import UsageError
from drcli.train.exploration import EXPLORATION_TYPES

if TYPE_CHECKING:
    from torch import Tensor

    from drcli.train.actor_critic import ActorCritic
    from drcli.train.algorithms.ppo_actor import PPOActor
    from drcli.train.algorithms.ppo_learner import PPOLearner
    from drcli.train.hardware import Hardware
    from drcli.train.model import ModelSpec


class ClippedPPO:
    """A policy and a value network, trained together."""

    extras: tuple[str, ...] = ("logprobs", "values")
    logged: Mapping[str, str] = {
        "surrogate_loss": "Surrogate loss",
        "kl_divergence": "KL divergence",
        "entropy": "Entropy",
    }

    @staticmethod
    def check(hyperparameters: Hyperparameters, where: str = "hyperparameters.json") -> None:
        """UsageError for another kind of exploration."""
        kind = hyperparameters.exploration_type
        if kind not in EXPLORATION_TYPES:
            raise UsageError(
                f"{where}: drcli's own clipped_ppo has no exploration_type {kind}.",
                f"Choose one of: {', '.join(EXPLORATION_TYPES)}.",
            )

    @staticmethod
    def network(model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> ActorCritic:
        """New ones on one trunk; a checkpoint's on one trunk when both are equal. DrError when it does not fit."""
        from drcli.train.actor_critic import new_actor_critic, restored_actor_critic

        return new_actor_critic(model) if variables is None else restored_actor_critic(model, variables)

    @staticmethod
    def learner(
        network: ActorCritic, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> PPOLearner:
        """For the trainer."""
        from drcli.train.algorithms.ppo_learner import PPOLearner

        return PPOLearner(network, hyperparameters, hardware, seed)

    @staticmethod
    def actor(model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int) -> PPOActor:
        """For a worker."""
        from drcli.train.algorithms.ppo_actor import PPOActor

        return PPOActor(model, hyperparameters, hardware, seed)
