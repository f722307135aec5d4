"""What a race type is: the protocol behind `drcli.tables.RACES`, and what goes in and out of it.

`TimeTrial` (`drcli.sim.races.time_trial`) is one; those with something on the road extend it. No numba in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools, Codes
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.track import Pose, Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState


class EpisodeStart(NamedTuple):
    """Where and how an episode begins. Who needs chance has `np.random.default_rng([seed, number])`."""

    number: int
    ndist: float  # share of the lap, from the first waypoint in driving direction
    is_reversed: bool  # driven against the track's order
    seed: int  # of the world


class Race(Protocol):
    """One race type for K cars, each of them alone in a world of its own.

    In each step a world asks for `faults` and `reward_params` of the poses before the step, then lets the cars
    move and calls `advance`; cars that did something wrong are put back, episodes that are over start anew.
    """

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        """Its own params are in `settings.own`. DrError: one of them is wrong."""

    @property
    def boxes(self) -> Boxes | None:
        """What is on the road now, for the sensors; None: never anything."""
        ...

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """An episode of car `k` begins: set up what is on its road, and say where the car stands."""
        ...

    def advance(self, cars: Bools) -> None:
        """1/15 s passes for `cars` `[K]`: what moves by itself does so."""

    def faults(self, cars: CarState, at: Telemetry) -> Codes:
        """What each car does wrong: `[K]` codes of `Status`, that of IN_PROGRESS if nothing. Not to be written to."""
        ...

    def reward_params(self, cars: CarState, at: Telemetry) -> Sequence[Params] | None:
        """What the reward function is told of this race: K fresh dicts, for keys such as objects_location.

        None: what it is told when there are no objects, empty lists.
        """
        ...

    def penalty_s(self, fault: Status) -> float:
        """How long a car waits after a fault that does not end its episode."""
        ...

    def put_back(self, k: int, fault: Status, at: Telemetry, history: CarHistory) -> Pose:
        """Where car `k` goes on after a fault; `at` and `history` are those of the step with the fault."""
        ...
