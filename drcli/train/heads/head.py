"""The interface of policy heads: variables, distributions of actions, and the commands that actions stand for."""

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
    """Commands for K cars: steering_deg and speed_mps float64 [K]; labels: the actions as shown in traces."""

    steering_deg: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    labels: Sequence[int | str]


class Distribution(Protocol):
    """A distribution of actions for each of B observations, float32 on the device of the head's outputs."""

    def greedy(self) -> Tensor:
        """The most likely actions, [B, *action_shape], for evaluations."""
        ...

    def sample(self, rng: torch.Generator, epsilon: float | None = None) -> Tensor:
        """Draw actions for training; with `epsilon`, that share of discrete actions is random and the rest greedy."""
        ...

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-probabilities [B] of actions [B, *action_shape]."""
        ...

    def entropy(self) -> Tensor:
        """Entropies [B] in nats."""
        ...

    def averaged(self) -> Any:
        """The one distribution that is closest to all B on average, as for one observation."""
        ...

    def sharpened(self, power: float) -> Any:
        """The same with probabilities raised to a power, where that says more clearly which actions are best."""
        ...

    def divergence_from(self, wanted: Any) -> Tensor:
        """Kullback-Leibler divergences [B] in nats from another distribution of this kind, for imitation."""
        ...


class Head(Protocol):
    """The head of a policy, without its weights. A member of `tables.HEADS` is a class.

    kind: its name in messages; layer: the scope of its dense layer, relative to that of the head;
    action_dtype: of an action.
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
        """The number of outputs of the dense layer."""
        ...

    @property
    def action_shape(self) -> tuple[int, ...]:
        """The shape of one car's action."""
        ...

    def free_variables(self) -> dict[str, Tensor]:
        """Initial values of the other learned variables, by scope relative to that of the head."""
        ...

    def distribution(self, outputs: Tensor, free: Mapping[str, Tensor]) -> Distribution:
        """The distribution for outputs [B, num_outputs] and the free variables, all float32 on one device."""
        ...

    def commands(self, actions: NDArray[Any]) -> Commands:
        """The steering angles and speeds of actions [K, *action_shape], in the range of model_metadata.json."""
        ...

    def nodes(self, graph: GraphBuilder, scope: str, x: str) -> str:
        """Add the head to a graph, on top of features `x`; returns `<scope>/policy`, all that the car's graph needs."""
        ...
