"""What can be observed of a run: an `Observer` overrides the hooks it needs, and the service calls them.

A hook that nobody overrides is not called, and costs nothing. `drcli.tables.OBSERVERS` names all observers; each
service creates those that list its role, by calling `cls(run)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode
from drcli.contract.keys import ModelKeys
from drcli.contract.service_variables import Role
from drcli.services.shared.counters import Counters
from drcli.services.shared.environment import Environment
from drcli.services.shared.publisher import Publisher
from drcli.services.shared.training_job import TrainingJob
from drcli.store.checkpoints import CheckpointIndex
from drcli.store.client import Bucket
from drcli.store.run_status import RunStatus

if TYPE_CHECKING:  # the trainer does not need the simulator
    import numpy as np
    from numpy.typing import NDArray

    from drcli.sim.world import Transition, World
    from drcli.sim.worlds import Worlds
    from drcli.train.rollout import Decision


@dataclass(frozen=True)
class ObservedRun:
    """What an observer knows about the service it observes and about the run."""

    role: Role
    environment: Environment
    bucket: Bucket
    keys: ModelKeys
    world_name: str
    metadata: ModelMetadata


@dataclass(frozen=True)
class ObservedTraining(ObservedRun):
    """What an observer in the trainer knows as well.

    counters: the live counters, restored from the last checkpoint; before: what a trainer that this one replaces
    wrote last; publisher: writes to the bucket in the background, in order.
    """

    job: TrainingJob
    hyperparameters: Hyperparameters
    counters: Counters
    before: RunStatus | None
    publisher: Publisher


class DrivenStep(NamedTuple):
    """One step: the world after it, the indices of the cars that drove `[n]`, their observations and decisions
    `[n, …]`, and what all cars got `[K]`.
    """

    world: World | Worlds
    cars: NDArray[np.intp]
    obs: Mapping[str, NDArray[np.generic]]
    decision: Decision
    transition: Transition
    is_evaluation: bool


@dataclass(frozen=True)
class Update:
    """One iteration: the statistics of learning, by epoch, and the training episodes that ended in it, by worker.

    reward: mean of the last episodes, None before the first; steps_per_s: since this start of the trainer;
    trained_s: since the first training step, summed over all starts of the trainer within the run.
    """

    epochs: Sequence[Mapping[str, float]]
    episodes: Mapping[int, Sequence[Episode]]
    reward: float | None
    steps_per_s: float
    trained_s: float


@dataclass(frozen=True)
class Lesson:
    """One iteration of a teacher: the statistics of learning, by epoch, its episodes, and its steps so far."""

    epochs: Sequence[Mapping[str, float]]
    episodes: Sequence[Episode]
    steps: int


@dataclass(frozen=True)
class EvaluatedCheckpoint:
    """Greedy episodes of a checkpoint, their mean progress in %, and the updated index."""

    name: CheckpointName
    episodes: Sequence[Episode]
    progress_pct: float
    index: CheckpointIndex


@dataclass(frozen=True)
class NewCheckpoint:
    """A checkpoint: its name, the index that includes it, and a function that gives its files by part."""

    name: CheckpointName
    index: CheckpointIndex
    files: Callable[[], Mapping[str, bytes]]


@dataclass(frozen=True)
class RunEnd:
    """How a service leaves the run: stopped if it may resume; a reason, or message and hint of a failure."""

    state: Literal["ended", "stopped", "failed"]
    reason: str = ""
    message: str = ""
    hint: str = ""


class Observer:
    """Base class; does nothing until hooks are overridden. An exception in a hook ends the service."""

    roles: ClassVar[frozenset[Role]] = frozenset(("trainer", "worker", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        self.run = run

    @classmethod
    def is_wanted(cls, run: ObservedRun) -> bool:
        """Whether it is switched on for this run; one that is off is not created, and costs nothing."""
        return True

    def on_step(self, step: DrivenStep) -> None:
        """Workers and evaluations: the cars drove one step."""

    def on_episode(self, worker: int, episode: Episode) -> None:
        """An episode ended. Workers and evaluations: one of their own; trainer: a training episode of any worker."""

    def on_exam(self, episodes: Sequence[Episode]) -> None:
        """Workers: an evaluation of the model ended; `episodes`: those from the usual starts, one at least."""

    def on_workers(self, present: int) -> None:
        """Trainer: the number of connected workers, several times a second while it waits."""

    def on_begin(self) -> None:
        """Trainer: the workers have joined, the first iteration of this start begins."""

    def on_update(self, update: Update) -> None:
        """Trainer: the policy was updated."""

    def on_lesson(self, lesson: Lesson) -> None:
        """Trainer: the teacher of a guided training has learned."""

    def on_examined(self, who: str, marks: str, is_pass: bool) -> None:
        """Trainer: the `teacher` or the `student` of a guided training has driven its laps; `marks`: how many."""

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Trainer: a checkpoint was evaluated."""

    def on_checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """Trainer: a checkpoint is to be saved."""

    def on_end(self, end: RunEnd) -> None:
        """The service is about to exit; always the last call. Workers skip it after an error."""
