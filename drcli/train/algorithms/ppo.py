"""Clipped PPO (Schulman et al. 2017, arXiv:1707.06347) as in the community's engine.

This module does not import torch; `ppo_actor` and `ppo_learner` do.
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
    def check(hyperparameters: Hyperparameters) -> None:
        """Raise UsageError for an unsupported exploration_type."""
        kind = hyperparameters.exploration_type
        if kind not in EXPLORATION_TYPES:
            where = hyperparameters.where("exploration_type")
            raise UsageError(
                f"{where}: drcli's clipped_ppo does not support exploration_type {kind}.",
                f"Choose one of: {', '.join(EXPLORATION_TYPES)}.",
            )

    @staticmethod
    def network(model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> ActorCritic:
        """Create networks with a shared trunk, or restore a checkpoint. Raises DrError if it does not match."""
        from drcli.train.actor_critic import new_actor_critic, restored_actor_critic

        return new_actor_critic(model) if variables is None else restored_actor_critic(model, variables)

    @staticmethod
    def learner(
        network: ActorCritic, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> PPOLearner:
        """Create the learner for the trainer."""
        from drcli.train.algorithms.ppo_learner import PPOLearner

        return PPOLearner(network, hyperparameters, hardware, seed)

    @staticmethod
    def actor(model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int) -> PPOActor:
        """Create the actor for a worker."""
        from drcli.train.algorithms.ppo_actor import PPOActor

        return PPOActor(model, hyperparameters, hardware, seed)
