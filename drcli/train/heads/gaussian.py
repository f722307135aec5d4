"""The head for continuous actions: Normals with state-independent log-std (rl_coach, ppo_head.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drcli.config.model_metadata import Bounds, ModelMetadata
from drcli.errors import UsageError
from drcli.train.graph_builder import GraphBuilder
from drcli.train.graph_variables import SMALL, given
from drcli.train.heads.head import Commands

LOG_STD_MIN, LOG_STD_MAX = -20.0, 3.0
_LOG_STD = "policy_log_std"
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Gaussian:
    """An action is float32 (steering, speed) in [-1, 1], scaled to the bounds of each."""

    kind: ClassVar[str] = "continuous"
    layer: ClassVar[str] = "policy_mean"
    action_dtype: ClassVar[np.dtype[Any]] = np.dtype(np.float32)

    def __init__(self, *bounds: Bounds) -> None:
        self._low = np.array([bound.low for bound in bounds])
        self._high = np.array([bound.high for bound in bounds])
        self.num_outputs = len(bounds)
        self.action_shape: tuple[int, ...] = (len(bounds),)

    @classmethod
    def of(cls, metadata: ModelMetadata) -> Gaussian:
        """The head for the bounds of steering and speed. Raises UsageError if there are none."""
        bounds = metadata.continuous
        if bounds is None:
            raise UsageError("The action space has no bounds.", "Continuous actions need them.")
        return cls(bounds.steering_angle_deg, bounds.speed_mps)

    def free_variables(self) -> dict[str, Tensor]:
        """The log-std of every dimension, [1, D]."""
        return {_LOG_STD: torch.zeros(1, self.num_outputs)}

    def distribution(self, outputs: Tensor, free: Mapping[str, Tensor]) -> GaussianDistribution:
        """The distribution for means [B, D]."""
        return GaussianDistribution(outputs, free[_LOG_STD].clamp(LOG_STD_MIN, LOG_STD_MAX))

    def commands(self, actions: NDArray[np.float32]) -> Commands:
        """The commands for actions [K, 2]; traces show `[steering speed]`."""
        chosen = self._low + (actions + 1.0) / 2.0 * (self._high - self._low)
        labels = [f"[{steering} {speed}]" for steering, speed in chosen.tolist()]
        return Commands(chosen[:, 0], chosen[:, 1], labels)

    def nodes(self, graph: GraphBuilder, scope: str, x: str) -> str:
        """Means, float32 [B, D], which the car clips to -1 … 1; and standard deviations, `policy_std`."""
        means = graph.dense(f"{scope}/{self.layer}", x, SMALL)
        policy = graph.operation(f"{scope}/policy", "Identity", means)
        log_std = graph.variable(f"{scope}/{_LOG_STD}", given(0.0))
        log_std = graph.clipped(scope, LOG_STD_MIN, LOG_STD_MAX, log_std)
        std = graph.operation(f"{scope}/Exp", "Exp", log_std)
        graph.repeated(scope, f"{scope}/policy_std", std, like=x)
        return policy


class GaussianDistribution:
    """Independent Normals around means [B, D] with log-std [1, D]; actions are clipped to [-1, 1]."""

    def __init__(self, means: Tensor, log_std: Tensor) -> None:
        self._means = means
        self._log_std = log_std.expand_as(means)

    @property
    def log_std(self) -> Tensor:
        """The logarithms of the standard deviations, [B, D]."""
        return self._log_std

    def greedy(self) -> Tensor:
        """The means, float32 [B, D]."""
        return self._means.clamp(-1, 1)

    def sample(self, rng: torch.Generator, epsilon: float | None = None) -> Tensor:
        """float32 [B, D]; `epsilon` is ignored, since the noise explores enough."""
        noise = torch.randn(self._means.shape, generator=rng)
        return (self._means + noise * self._log_std.exp()).clamp(-1, 1)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probabilities [B] of actions float32 [B, D]; clipping is not taken into account."""
        z = (actions - self._means) / self._log_std.exp()
        return -(0.5 * z * z + self._log_std + _HALF_LOG_TWO_PI).sum(-1)

    def entropy(self) -> Tensor:
        """Entropies [B] in nats."""
        return (self._log_std + 0.5 + _HALF_LOG_TWO_PI).sum(-1)

    def averaged(self) -> GaussianDistribution:
        """Around the mean of the means, [1, D], within the bounds of an action."""
        return GaussianDistribution(self.greedy().mean(0, keepdim=True), self._log_std[:1])

    def sharpened(self, power: float) -> GaussianDistribution:
        """As it is: of Normals, the means alone say which actions are best."""
        return self

    def divergence_from(self, wanted: GaussianDistribution) -> Tensor:
        """Kullback-Leibler divergences [B]. What is wanted beyond the bounds of an action is wanted at the bound."""
        gap = wanted.greedy() - self._means
        variance, wanted_variance = (2 * self._log_std).exp(), (2 * wanted._log_std).exp()
        terms = self._log_std - wanted._log_std + (wanted_variance + gap * gap) / (2 * variance) - 0.5
        return terms.sum(-1)
