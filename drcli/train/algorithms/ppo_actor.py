"""Clipped PPO in a worker: chooses actions and records their log-probabilities and values.

Has a copy of the network in the fastest number format for inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from drcli.config.hyperparameters import Hyperparameters
from drcli.train.actor_critic import ActorCritic
from drcli.train.exploration import Exploration
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.rollout import Decision


class PPOActor:
    """Chooses actions once it has weights."""

    def __init__(
        self, model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> None:
        self._model = model
        self._exploration = Exploration.of(hyperparameters)
        self._hardware = hardware
        self._rng = torch.Generator().manual_seed(seed)
        self._network = self._build(is_shared=True)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights; without those of a second trunk, both heads share one."""
        is_shared = not any(name.startswith("value_trunk.") for name in weights)
        if is_shared != self._network.is_shared:
            self._network = self._build(is_shared)
        self._network.load_state_dict(dict(weights), strict=not is_shared)

    def _build(self, is_shared: bool) -> ActorCritic:
        network = ActorCritic(self._model, is_shared)
        return network.to(self._hardware.device, self._hardware.dtype).eval()

    @torch.inference_mode()
    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        """Choose actions for observations [K, …]; `step` is the position in the schedule of e-greedy exploration."""
        inputs = {name: torch.from_numpy(part).to(self._hardware.device) for name, part in obs.items()}
        outputs, values = self._network(inputs)
        distribution = self._network.policy.distribution(outputs.float().cpu())
        actions = (
            distribution.greedy()
            if greedy
            else distribution.sample(self._rng, self._exploration.epsilon(step))
        )
        extras = {"logprobs": distribution.log_prob(actions).numpy(), "values": values.float().cpu().numpy()}
        return Decision(actions.numpy(), extras)
