"""Soft actor-critic (Haarnoja et al. 2018, arXiv:1801.01290) as in the community's engine: with a state value network.

This module does not import torch; `sac_actor` and `sac_learner` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drcli.config.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from torch import Tensor

    from drcli.train.algorithms.sac_actor import SACActor
    from drcli.train.algorithms.sac_learner import SACLearner
    from drcli.train.hardware import Hardware
    from drcli.train.model import ModelSpec
    from drcli.train.soft_actor_critic import SoftActorCritic


class SAC:
    """A policy that learns from every step many times, with the help of a Q and a state value network."""

    extras: tuple[str, ...] = ()
    logged: Mapping[str, str] = {
        "policy_loss": "Policy loss",
        "q_loss": "Q loss",
        "value_loss": "Value loss",
        "entropy": "Entropy",
    }

    @staticmethod
    def check(hyperparameters: Hyperparameters) -> None:
        """All values are supported; those without effect are warned about (`Hyperparameters.without_effect`)."""

    @staticmethod
    def network(model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> SoftActorCritic:
        """Create networks with shared embedders, or restore a checkpoint. Raises DrError if it does not match."""
        from drcli.train.soft_actor_critic import new_soft_actor_critic, restored_soft_actor_critic

        return (
            new_soft_actor_critic(model)
            if variables is None
            else restored_soft_actor_critic(model, variables)
        )

    @staticmethod
    def learner(
        network: SoftActorCritic, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> SACLearner:
        """Create the learner for the trainer."""
        from drcli.train.algorithms.sac_learner import SACLearner

        return SACLearner(network, hyperparameters, hardware, seed)

    @staticmethod
    def actor(model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int) -> SACActor:
        """Create the actor for a worker."""
        from drcli.train.algorithms.sac_actor import SACActor

        return SACActor(model, hardware, seed)
