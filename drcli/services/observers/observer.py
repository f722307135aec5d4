"""What can be watched of a run: an `Observer` overrides the hooks it needs, and its service calls them.

A hook that nobody overrides is not called, and costs nothing. `drcli.tables.OBSERVERS` names all observers; each
service makes those whose `roles` it is one of, as `cls(run)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.episode import Episode
from drcli.contract.keys import ModelKeys
from drcli.contract.service_variables import Role
from drcli.services.shared.counters import Counters
from drcli.services.shared.environment import Environment
from drcli.services.shared.publisher import Publisher
from drcli.services.shared.training_job import TrainingJob
from drcli.store.checkpoints import CheckpointIndex, CheckpointName
from drcli.store.client import Bucket

if TYPE_CHECKING:  # the trainer needs no simulator
    import numpy as np
    from numpy.typing import NDArray

    from drcli.sim.world import Transition
    from drcli.train.rollout import Decision


@dataclass(frozen=True)
class ObservedRun:
    """What an observer knows of the service that it looks at, and of its run."""

    role: Role
    environment: Environment
    bucket: Bucket
    keys: ModelKeys
    world_name: str
    metadata: ModelMetadata


@dataclass(frozen=True)
class ObservedTraining(ObservedRun):
    """What an observer in the trainer knows.

    counters: as an earlier start of the run has left them, and then as they stand; trained_s: of earlier starts;
    publisher: writes to the bucket in the background, in order.
    """

    job: TrainingJob
    hyperparameters: Hyperparameters
    counters: Counters
    trained_s: float
    publisher: Publisher


class DrivenStep(NamedTuple):
    """One step of the cars that drove: which cars `[n]`, what they saw `[n, …]`, decided `[n, …]` and got `[K]`."""

    cars: NDArray[np.intp]
    obs: Mapping[str, NDArray[np.generic]]
    decision: Decision
    transition: Transition
    is_evaluation: bool


@dataclass(frozen=True)
class Update:
    """One iteration: what came of learning, by epoch, and the training episodes that ended in it, by worker.

    reward: mean of the last episodes, None before the first; steps_per_s: of this start of the trainer; trained_s:
    since the first step that was learned from, over all its starts within the run.
    """

    epochs: Sequence[Mapping[str, float]]
    episodes: Mapping[int, Sequence[Episode]]
    reward: float | None
    steps_per_s: float
    trained_s: float


@dataclass(frozen=True)
class EvaluatedCheckpoint:
    """Greedy episodes of a checkpoint, their mean progress in %, and the index with that taken into account."""

    name: CheckpointName
    episodes: Sequence[Episode]
    progress_pct: float
    index: CheckpointIndex


@dataclass(frozen=True)
class NewCheckpoint:
    """A checkpoint: its name, the index with it, and its content, which takes a moment to make."""

    name: CheckpointName
    index: CheckpointIndex
    content: Callable[[], bytes]


@dataclass(frozen=True)
class RunEnd:
    """How a service leaves the run; stopped: it may go on. reason: of a good end; message, hint: of a failure."""

    state: Literal["ended", "stopped", "failed"]
    reason: str = ""
    message: str = ""
    hint: str = ""


class Observer:
    """Sees nothing until hooks are overridden. What a hook raises ends the service, as anything else would."""

    roles: ClassVar[frozenset[Role]] = frozenset(("trainer", "worker", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        self.run = run

    def on_step(self, step: DrivenStep) -> None:
        """In workers and evaluations: cars have driven a step."""

    def on_episode(self, worker: int, episode: Episode) -> None:
        """An episode has ended: in workers and evaluations one's own, in the trainer a training episode of any."""

    def on_workers(self, present: int) -> None:
        """In the trainer, several times a second while it waits: so many workers are there."""

    def on_begin(self) -> None:
        """In the trainer: the workers are there, the first iteration of this start begins."""

    def on_update(self, update: Update) -> None:
        """In the trainer: the policy has learned from an iteration."""

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """In the trainer: a checkpoint was evaluated."""

    def on_checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """In the trainer: the network as it is now is to be kept."""

    def on_end(self, end: RunEnd) -> None:
        """The service is about to leave, after everything else was said; in workers in good order only."""
