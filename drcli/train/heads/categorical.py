"""The head for a list of discrete actions: softmax with one output per action (rl_coach, ppo_head.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from drcli.config.model_metadata import Action, ModelMetadata
from drcli.train.graph_builder import GraphBuilder
from drcli.train.heads.head import Commands

LOG_PROB_FLOOR = math.log(1e-8)  # rl_coach floors probabilities of discrete actions


class Categorical:
    """An action is an int64 position in the list; the `index` in the file is ignored."""

    kind: ClassVar[str] = "discrete"
    layer: ClassVar[str] = "policy_fc"
    action_dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int64)
    action_shape: tuple[int, ...] = ()

    def __init__(self, actions: tuple[Action, ...]) -> None:
        self._commands = np.array([(action.steering_angle_deg, action.speed_mps) for action in actions])
        self.num_outputs = len(actions)

    @classmethod
    def of(cls, metadata: ModelMetadata) -> Categorical:
        """The head for the list of actions."""
        return cls(metadata.discrete or ())

    def free_variables(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def distribution(self, outputs: Tensor, free: Mapping[str, Tensor]) -> CategoricalDistribution:
        """The distribution for logits [B, A]."""
        return CategoricalDistribution(outputs)

    def commands(self, actions: NDArray[np.int64]) -> Commands:
        """The commands for positions [K]; traces show the position."""
        chosen = self._commands[actions]
        return Commands(chosen[:, 0], chosen[:, 1], actions.tolist())

    def nodes(self, graph: GraphBuilder, scope: str, x: str) -> str:
        """Ends in probabilities, float32 [B, A]."""
        x = graph.dense(f"{scope}/{self.layer}", x)
        return graph.operation(f"{scope}/policy", "Softmax", x)


class CategoricalDistribution:
    """Softmax over logits [B, A]."""

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits
        self._logprobs = F.log_softmax(logits, -1)
        self._entropy = -(self._logprobs.exp() * self._logprobs).sum(-1)

    def greedy(self) -> Tensor:
        """The most probable action of each row, int64 [B]."""
        return self._logits.argmax(-1)

    def sample(self, rng: torch.Generator, epsilon: float | None = None) -> Tensor:
        """int64 [B], drawn by probability; with `epsilon`, random in that share of rows and greedy in the others."""
        if epsilon is None:
            return torch.multinomial(F.softmax(self._logits, -1), 1, generator=rng).squeeze(-1)
        size, num_actions = self._logits.shape
        is_random = torch.rand(size, generator=rng) < epsilon
        return torch.where(is_random, torch.randint(num_actions, (size,), generator=rng), self.greedy())

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probabilities [B] of actions int64 [B]."""
        return self._logprobs.gather(-1, actions.unsqueeze(-1)).squeeze(-1).clamp(min=LOG_PROB_FLOOR)

    def entropy(self) -> Tensor:
        """Entropies [B] in nats."""
        return self._entropy

    def averaged(self) -> CategoricalDistribution:
        """Of the mean probabilities, [1, A]."""
        return CategoricalDistribution(self._logprobs.logsumexp(0, keepdim=True))

    def sharpened(self, power: float) -> CategoricalDistribution:
        """Of probabilities that are raised to a power; the greedy actions stay."""
        return CategoricalDistribution(self._logits * power)

    def divergence_from(self, wanted: CategoricalDistribution) -> Tensor:
        """Kullback-Leibler divergences [B]: how many nats `wanted` is away from this."""
        return (wanted._logprobs.exp() * (wanted._logprobs - self._logprobs)).sum(-1)
