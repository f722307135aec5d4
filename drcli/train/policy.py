"""The policy as a worker uses it: images in, actions, log-probabilities and values out.

A copy of the network in the fastest number format for inference; it learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from drcli.train import distribution
from drcli.train.hardware import Hardware
from drcli.train.network import LOG_STD_MAX, LOG_STD_MIN, ActorCritic, PolicySpec


class Decision(NamedTuple):
    """actions int64 [K] or float32 [K, D] in [-1, 1]; logprobs, values float32 [K]."""

    actions: NDArray[np.int64] | NDArray[np.float32]
    logprobs: NDArray[np.float32]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Exploration:
    """How training actions are chosen: sampled from the policy, or e-greedy on a linear schedule."""

    is_e_greedy: bool = False
    e_greedy_value: float = 0.05
    epsilon_steps: int = 10_000

    def epsilon(self, step: int) -> float:
        """Share of random actions after `step` steps: from 1 down to `e_greedy_value`."""
        done = min(1.0, step / self.epsilon_steps) if self.epsilon_steps > 0 else 1.0
        return 1.0 + (self.e_greedy_value - 1.0) * done


class Policy:
    """Acts on images once it has weights (`load`). Same weights, seed and images: same actions."""

    def __init__(self, spec: PolicySpec, hardware: Hardware, exploration: Exploration, seed: int) -> None:
        self.spec = spec
        self._exploration = exploration
        self._hardware = hardware
        self._rng = torch.Generator().manual_seed(seed)
        self._network = self._build(is_shared=True)

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Take what `ActorCritic.weights` gave: without `value_trunk`, both heads share one trunk."""
        is_shared = not any(name.startswith("value_trunk.") for name in weights)
        if is_shared != self._network.is_shared:
            self._network = self._build(is_shared)
        self._network.load_state_dict(weights, strict=not is_shared)

    def _build(self, is_shared: bool) -> ActorCritic:
        return (
            ActorCritic(self.spec, is_shared, is_blank=True)
            .to(self._hardware.device, self._hardware.dtype)
            .eval()
        )

    @torch.inference_mode()
    def act(self, obs: NDArray[np.uint8], greedy: bool = False, step: int = 0) -> Decision:
        """Decide on images uint8 [K, 120, 160]; `step` places e-greedy exploration on its schedule."""
        outputs, values = self._network(torch.from_numpy(obs).to(self._hardware.device))
        outputs, values = outputs.float().cpu(), values.float().cpu()
        if self.spec.is_continuous:
            log_std = self._network.log_std.float().cpu().clamp(LOG_STD_MIN, LOG_STD_MAX)
            raw = outputs if greedy else distribution.sample_normal(outputs, log_std, self._rng)
            actions = raw.clamp(-1, 1)
            logprobs, _ = distribution.normal(outputs, log_std, actions)
        else:
            actions = outputs.argmax(-1) if greedy else self._explore(outputs, step)
            logprobs, _ = distribution.categorical(outputs, actions)
        return Decision(actions.numpy(), logprobs.numpy(), values.numpy())

    def _explore(self, logits: torch.Tensor, step: int) -> torch.Tensor:
        if not self._exploration.is_e_greedy:
            return distribution.sample_categorical(logits, self._rng)
        is_random = torch.rand(len(logits), generator=self._rng) < self._exploration.epsilon(step)
        random = torch.randint(logits.shape[1], (len(logits),), generator=self._rng)
        return torch.where(is_random, random, logits.argmax(-1))
