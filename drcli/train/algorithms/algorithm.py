"""The interface of training algorithms. Does not import torch, since hyperparameters are checked before a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.tables import ALGORITHMS
from drcli.train.rollout import Decision, Rollout

if TYPE_CHECKING:
    from torch import Tensor

    from drcli.train.hardware import Hardware
    from drcli.train.model import ModelSpec
    from drcli.train.network import PolicyNetwork


class Actor(Protocol):
    """Chooses actions in a worker, once it has weights; deterministic for the same weights, seed and observations."""

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load the weights of the learner's network, as returned by `drcli.train.network.weights_of`."""
        ...

    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        """Choose actions for observations [K, *sensor.shape] by sensor; `step`: number of steps of the run so far."""
        ...


class Learner(Protocol):
    """Learns in the trainer; owns the network and its optimizer."""

    @property
    def network(self) -> PolicyNetwork:
        """The network in training; checkpoints hold its variables."""
        ...

    def learn(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Learn from one iteration, with one rollout per assignment. Returns statistics by name for each epoch.

        Raises:
            DrError: the training has diverged.
        """
        ...

    def adapt(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Called once instead of `learn` if another run or method trained the network. Leaves its policy as it is."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs in addition to the network's variables; stored in every checkpoint."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore the `state` of a checkpoint; it is empty in older checkpoints."""
        ...


class Algorithm(Protocol):
    """A training algorithm. A member of `tables.ALGORITHMS` is a class with static methods."""

    @property
    def extras(self) -> tuple[str, ...]:
        """The names in `Decision.extras`."""
        ...

    @property
    def logged(self) -> Mapping[str, str]:
        """The statistics of `Learner.learn` that are logged, in this order, and their names in the log."""
        ...

    def check(self, hyperparameters: Hyperparameters) -> None:
        """Raise UsageError, with file and line, for unsupported values. Does not import torch."""
        ...

    def network(self, model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> PolicyNetwork:
        """Create a network with random weights (from torch's global generator) or with those of a checkpoint.

        Raises:
            DrError: the checkpoint belongs to another model.
        """
        ...

    def learner(
        self, network: PolicyNetwork, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> Learner:
        """Create the learner for a network."""
        ...

    def actor(
        self, model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> Actor:
        """Create the actor for a worker."""
        ...


def algorithm_of(metadata: ModelMetadata) -> Algorithm:
    """The algorithm that model_metadata.json names. Raises UsageError if there is none of that name."""
    algorithm: Algorithm = ALGORITHMS.load(metadata.training_algorithm)
    return algorithm
