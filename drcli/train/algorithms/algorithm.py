"""What every way to learn can do. Nothing here imports torch: what a run needs is checked before it starts."""

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
    """Acts in a worker, once it has weights. Same weights, seed and observations: same actions."""

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take what `drcli.train.network.weights_of` gave for the learner's network."""
        ...

    def act(self, obs: Mapping[str, NDArray[Any]], greedy: bool = False, step: int = 0) -> Decision:
        """Decide on observations [K, *sensor.shape] by sensor; `step`: steps of the run so far."""
        ...


class Learner(Protocol):
    """Learns in the trainer: owns the network and its optimizer."""

    @property
    def network(self) -> PolicyNetwork:
        """What is trained; a checkpoint holds its variables."""
        ...

    def learn(self, rollouts: Sequence[Rollout]) -> list[dict[str, float]]:
        """Learn from one iteration, a rollout of each worker; numbers by name for each epoch.

        Raises:
            DrError: it has diverged.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs beside the network's variables; it is stored with every checkpoint."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the `state` of a checkpoint, or with none of it: older checkpoints have none."""
        ...


class Algorithm(Protocol):
    """A way to learn. The member of `tables.ALGORITHMS` is a class whose methods are static."""

    @property
    def extras(self) -> tuple[str, ...]:
        """Names in `Decision.extras`."""
        ...

    @property
    def logged(self) -> Mapping[str, str]:
        """Numbers of `Learner.learn` that the log shows, in order, and the words it has for them."""
        ...

    def check(self, hyperparameters: Hyperparameters, where: str = "hyperparameters.json") -> None:
        """UsageError, naming the file (`where`), for what it cannot do. Imports no torch."""
        ...

    def network(self, model: ModelSpec, variables: Mapping[str, Tensor] | None = None) -> PolicyNetwork:
        """With random weights by torch's global seed, or with those of a checkpoint.

        Raises:
            DrError: the checkpoint is of another model.
        """
        ...

    def learner(
        self, network: PolicyNetwork, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> Learner:
        """What goes on training a network."""
        ...

    def actor(
        self, model: ModelSpec, hyperparameters: Hyperparameters, hardware: Hardware, seed: int
    ) -> Actor:
        """What drives in a worker."""
        ...


def algorithm_of(metadata: ModelMetadata) -> Algorithm:
    """The way to learn that the file asks for. UsageError when there is none of that name."""
    algorithm: Algorithm = ALGORITHMS.load(metadata.training_algorithm)
    return algorithm
