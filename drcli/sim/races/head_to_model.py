"""Head to model: two cars, each driven by a model of its own, meet on one road. For evaluations.

Who touches the other from behind has crashed. A penalty takes time: while one car waits, the other drives on. In the
community's engine the race ends with the first car; here both drive to the end, so that there are two results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drcli.config.car_looks import COLOURS
from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.errors import UsageError
from drcli.sim.car_arrays import Bools, Ints
from drcli.sim.constants import grey
from drcli.sim.races.object_kinds import car_of
from drcli.sim.races.object_race import ObjectRace, ResetSettings
from drcli.sim.races.own_params import OwnParams
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.track import INNER_LANE, OUTER_LANE, Pose, Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState

PAIR = ("Purple", "Orange")  # of the two cars, unless CAR_COLOR names others
GRID_GAP_M = 0.75


class HeadToModel(ObjectRace):
    """Cars 2i and 2i+1 meet: each is the one object on the other's road.

    The first starts on the outer lane at the start line, the second START_POS_OFFSET behind it on the inner lane.
    """

    cars_per_race: ClassVar[int] = 2

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        if num_envs % self.cars_per_race:
            raise UsageError(
                f"{settings.race_type} needs pairs of cars, not {num_envs}.",
                "It is for evaluations: `dr evaluate`.",
            )
        super().__init__(track, settings, num_envs, kind=car_of(PAIR[0]), count=1, is_obstacle=False)
        own = OwnParams(settings.own)
        self._grid_gap_m = min(own.number("START_POS_OFFSET", GRID_GAP_M), 1.0)
        self._other = np.arange(num_envs) ^ 1
        self._is_racing = np.zeros(num_envs, np.bool_)
        colours = [grey(COLOURS[name]) for name in _colours(own)]
        self._boxes.grey[:, 0] = np.array(colours, np.uint8)[self._other % 2]

    @staticmethod
    def check(track: Track, settings: RaceSettings) -> None:
        """Raises DrError if a param is invalid."""
        own = OwnParams(settings.own)
        own.number("START_POS_OFFSET", GRID_GAP_M)
        ResetSettings.read(own)

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """On its place in the grid. Progress counts from the start line, as in the community's engine."""
        place = k % self.cars_per_race
        way = self.ways[start.is_reversed]
        ndist = start.ndist - place * self._grid_gap_m / way.length_m
        pose = way.lane_pose_at(ndist, INNER_LANE if place else OUTER_LANE)
        self._is_reversed[k], self._times_hit[k], self._is_racing[k] = start.is_reversed, 0, True
        self._show(k, pose)
        return pose

    def is_free(self, k: int, pose: Pose) -> bool:
        """Whether the other car is elsewhere, or has left."""
        return not self._is_racing[self._other[k]] or super().is_free(k, pose)

    def park(self, cars: Bools) -> None:
        """The others do not meet them any more."""
        self._is_racing &= ~cars
        for k in self._other[cars].tolist():
            for field in (self._boxes.x_m, self._boxes.y_m, self._where.along_m):
                field[k] = np.nan

    def due(self, clock: Ints) -> Bools:
        """Those that are not ahead in time of the one that they meet."""
        due: Bools = ~((clock > clock[self._other]) & self._is_racing[self._other])
        return due

    def advance(self, cars: CarState, driven: Bools) -> None:
        """Show each car where the other one is now."""
        for k in driven.nonzero()[0].tolist():
            self._show(k, (float(cars.x_m[k]), float(cars.y_m[k]), float(cars.heading_rad[k])))

    def reward_params(self, cars: CarState, at: Telemetry) -> Sequence[Params] | None:
        """Where the other car is; nothing once it has left."""
        params = super().reward_params(cars, at) or ()
        return [
            found if is_met else {}
            for found, is_met in zip(params, self._is_racing[self._other], strict=True)
        ]

    def put_back(self, k: int, fault: Status, at: Telemetry, history: CarHistory) -> Pose:
        """As beside an object that stands still: behind the other car, if that is near, on the other lane."""
        pose = super().put_back(k, fault, at, history)
        self._show(k, pose)
        return pose

    def _show(self, k: int, pose: Pose) -> None:
        """Put car `k` on the road of the other one."""
        other = int(self._other[k])
        self._boxes.x_m[other], self._boxes.y_m[other], self._boxes.heading_rad[other] = pose
        self._locate(np.arange(len(self._other)) == other)


def _colours(own: OwnParams) -> tuple[str, ...]:
    """The colours of the two cars, by CAR_COLOR."""
    named = own.texts("CAR_COLOR")
    return named if len(named) == len(PAIR) and all(name in COLOURS for name in named) else PAIR
