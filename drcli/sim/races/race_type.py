"""The protocol of race types, the members of `drcli.tables.RACES`, and its inputs and outputs.

`TimeTrial` (`drcli.sim.races.time_trial`) is one; race types with objects on the road extend it. Imports no numba.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol
from zlib import crc32

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools, Codes, Ints
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.track import Pose, Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState


class EpisodeStart(NamedTuple):
    """Where and how an episode starts. For random numbers use `np.random.default_rng([seed, number])`."""

    number: int
    ndist: float  # fraction of the lap, from the first waypoint in driving direction
    is_reversed: bool  # driven against the track's order
    seed: int  # of the world

    @property
    def noise_seed(self) -> int:
        """For the noise of sensors in this episode, which depends on nothing else."""
        return crc32(b"%d %d" % (self.seed, self.number)) & 0x7FFFFFFF


class Race(Protocol):
    """One race type for K cars, each alone in its own world, or `cars_per_race` of them, one after the other, in one.

    In each step a world asks for `faults` and `reward_params` of the poses before the step, then moves the cars
    and calls `advance`; cars with a fault are put back, and ended episodes are followed by new ones.
    """

    cars_per_race: ClassVar[int]  # that meet on the road, each driven by a model of its own
    privileged_sensors: ClassVar[tuple[str, ...]]  # that show teachers what is on its road

    @staticmethod
    def check(track: Track, settings: RaceSettings) -> None:
        """Raises DrError if it cannot take place there with these settings. Imports no numba."""
        ...

    @staticmethod
    def params_at_start(track: Track, settings: RaceSettings) -> Params:
        """What `reward_params` may say of a car on the start line. Raises DrError like `check`. Imports no numba."""
        ...

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        """Its own params are in `settings.own`. Raises DrError if one of them is invalid."""

    @property
    def boxes(self) -> Boxes | None:
        """What is on the road now, for the sensors; None if there is never anything."""
        ...

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """Start an episode of car `k`: set up what is on its road, and return the car's pose."""
        ...

    def is_free(self, k: int, pose: Pose) -> bool:
        """Whether car `k` can be put at a pose without touching what is on its road."""
        ...

    def park(self, cars: Bools) -> None:
        """The cars with `cars` `[K]` set drive no more until they start again: they leave the road."""

    def due(self, clock: Ints) -> Bools:
        """Which cars, if they drive at all, do so in the next step, by their clocks `[K]` in steps.

        All of them, unless cars meet: one that has waited for a penalty is ahead in time, and lets the others catch up.
        """
        ...

    def advance(self, cars: CarState, driven: Bools) -> None:
        """Advance the worlds of the cars with `driven` `[K]` set by a step: move what moves by itself.

        The cars have already moved; `cars.step_s` `[K]` says how long the step lasted.
        """

    def faults(self, cars: CarState, at: Telemetry) -> Codes:
        """Each car's fault: `[K]` codes of `Status`, IN_PROGRESS if there is none. Must not be modified."""
        ...

    def reward_params(self, cars: CarState, at: Telemetry) -> Sequence[Params] | None:
        """This race's params for the reward function: K fresh dicts, with keys such as objects_location.

        None means those of a race without objects: empty lists.
        """
        ...

    def penalty_s(self, fault: Status) -> float:
        """How long a car waits after a fault that does not end its episode."""
        ...

    def put_back(self, k: int, fault: Status, at: Telemetry, history: CarHistory) -> Pose:
        """Where car `k` continues after a fault; `at` and `history` are those of the step with the fault."""
        ...
