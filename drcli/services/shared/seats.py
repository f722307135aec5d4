"""The seats of a worker: how each kind of policy drives there. Tasks name the seat they are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.services.shared.protocol import POLICY
from drcli.sim.sensors.sensor import SensorSpec
from drcli.tables import ALGORITHMS, RACES
from drcli.train.algorithms.algorithm import Algorithm, algorithm_of
from drcli.train.guided.teacher import teacher_model
from drcli.train.model import ModelSpec
from drcli.train.rollout import RolloutSpec

TEACHER, STUDENT = "teacher", "student"
# A student drives whole laps, so with one style for each episode it would have seen 80 of them after 8,000 samples.
RESTYLED_STEPS = 2


@dataclass(frozen=True)
class Seat:
    """A model and how it drives while it collects.

    watched: sensors in the rollouts that the model does not see; cars: as a multiple of DR_CARS_PER_WORKER;
    is_exact: computed in float32 everywhere, as it is small; is_recorded: its episodes are those of the training, with
    traces; is_perturbed: it starts anywhere, a little beside the place and the direction of the road; restyled_steps:
    `RaceSettings.restyled_steps` while it collects.
    """

    name: str
    model: ModelSpec
    algorithm: Algorithm
    watched: tuple[SensorSpec, ...] = ()
    cars: int = 1
    is_exact: bool = False
    is_recorded: bool = True
    is_perturbed: bool = False
    restyled_steps: int = 0

    def hyperparameters(self, of_run: Hyperparameters) -> Hyperparameters:
        """What its actor explores by: guided training samples from the policy, whatever the run's say."""
        return of_run if self.name == POLICY else Hyperparameters()

    @property
    def sensors(self) -> tuple[SensorSpec, ...]:
        """All that is recorded."""
        return self.rollouts.sensors

    @property
    def rollouts(self) -> RolloutSpec:
        """What is in the rollouts of this seat."""
        return RolloutSpec.of(self.model, self.algorithm.extras, self.watched)


def seats_of(metadata: ModelMetadata, race_types: Sequence[str]) -> Mapping[str, Seat]:
    """All seats of a model, by name. Raises UsageError for a name that the tables do not have.

    race_types: of all workers. Teachers see what is on the road in any of them.
    """
    model, algorithm = ModelSpec.of(metadata), algorithm_of(metadata)
    on_the_road = dict.fromkeys(name for race in race_types for name in RACES.load(race).privileged_sensors)
    teacher = teacher_model(model, tuple(on_the_road))
    ppo: Algorithm = ALGORITHMS.load("clipped_ppo")
    seats = (
        Seat(POLICY, model, algorithm),
        Seat(TEACHER, teacher, ppo, cars=4, is_exact=True, is_recorded=False, is_perturbed=True),
        Seat(
            STUDENT,
            model,
            algorithm,
            watched=teacher.sensors,
            cars=2,
            is_perturbed=True,
            restyled_steps=RESTYLED_STEPS,
        ),
    )
    return {seat.name: seat for seat in seats}
