"""SAC in a worker: chooses actions with a copy of the policy in the fastest number format for inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.rollout import Decision
from drcli.train.soft_actor_critic import SquashedPolicy


class SACActor:
    """Chooses actions once it has weights: drawn from the policy, or greedy ones."""

    def __init__(self, model: ModelSpec, hardware: Hardware, seed: int) -> None:
        self._hardware = hardware
        self._rng = torch.Generator().manual_seed(seed)
        self._network = SquashedPolicy(model).to(hardware.device, hardware.dtype).eval()

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights."""
        self._network.load_state_dict(dict(weights))

    @torch.inference_mode()
    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        """Choose actions for observations [K, …]."""
        inputs = {name: torch.from_numpy(part).to(self._hardware.device) for name, part in obs.items()}
        distribution = self._network.policy.distribution(self._network(inputs).float().cpu())
        actions = distribution.greedy() if greedy else distribution.sample(self._rng)
        return Decision(actions.numpy(), {})
