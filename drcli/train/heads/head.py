"""What every policy head can do: its layer and its variables, distributions of actions, and what a car is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drcli.config.model_metadata import ModelMetadata
from drcli.train.graph_builder import GraphBuilder


class Commands(NamedTuple):
    """What K cars are told: steering_deg, speed_mps float64 [K], and the actions as traces name them."""

    steering_deg: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    labels: Sequence[int | str]


class Distribution(Protocol):
    """Of actions, for a batch of B observations. Everything is float32 on the device of the head's outputs."""

    def greedy(self) -> Tensor:
        """The actions to drive with when nothing is to be tried: [B, *action_shape]."""
        ...

    def sample(self, rng: torch.Generator, epsilon: float | None = None) -> Tensor:
        """Actions to learn from; with `epsilon` that share of discrete ones is random and the rest greedy."""
        ...

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probabilities [B] of actions [B, *action_shape]."""
        ...

    def entropy(self) -> Tensor:
        """Entropies [B] in nats."""
        ...


class Head(Protocol):
    """The head of one policy, without its weights. The member of `tables.HEADS` is a class.

    kind: as messages have it; layer: scope of its dense layer within the head's; num_outputs of that layer.
    action_shape, action_dtype: of one car's action.
    """

    kind: ClassVar[str]
    layer: ClassVar[str]
    action_dtype: ClassVar[np.dtype[Any]]

    @classmethod
    def of(cls, metadata: ModelMetadata) -> Head:
        """The head for the action space of model_metadata.json."""
        ...

    @property
    def num_outputs(self) -> int:
        """Of the dense layer."""
        ...

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Of one car's action."""
        ...

    def free_variables(self) -> dict[str, Tensor]:
        """Start values of what is learned beside the dense layer, by scope within the head's."""
        ...

    def distribution(self, outputs: Tensor, free: Mapping[str, Tensor]) -> Distribution:
        """Of outputs [B, num_outputs] and the free variables, all float32 on one device."""
        ...

    def commands(self, actions: NDArray[Any]) -> Commands:
        """Steering angles and speeds of actions [K, *action_shape], unclipped, as model_metadata.json has them."""
        ...

    def nodes(self, graph: GraphBuilder, scope: str, x: str) -> str:
        """Add the head on features `x` to the car's graph; the last node is `<scope>/policy`."""
        ...
