"""A time trial: a car alone on the road, against the clock. Definitions follow the community's simapp."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.boxes import Boxes
from drcli.sim.car_arrays import Bools, Codes, Ints
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.track import INNER_LANE, OUTER_LANE, Pose, Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState


class TimeTrial:
    """The rules of a time trial, which other race types build on."""

    cars_per_race: ClassVar[int] = 1
    privileged_sensors: ClassVar[tuple[str, ...]] = ()

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        self.settings = settings
        self.ways = track, track.reversed()  # in driving direction: [is_reversed]
        self._everyone = np.ones(num_envs, np.bool_)

    @staticmethod
    def check(track: Track, settings: RaceSettings) -> None:
        """It can take place on every track."""

    @staticmethod
    def params_at_start(track: Track, settings: RaceSettings) -> Params:
        """Nothing: there are no objects."""
        return {}

    @property
    def boxes(self) -> Boxes | None:
        """Nothing is on the road."""
        return None

    def start(self, k: int, start: EpisodeStart) -> Pose:
        """On the centre line."""
        return self.ways[start.is_reversed].pose_at(start.ndist)

    def is_free(self, k: int, pose: Pose) -> bool:
        """Nothing is on the road."""
        return True

    def park(self, cars: Bools) -> None:
        """Nobody else is there to meet them."""

    def due(self, clock: Ints) -> Bools:
        """All."""
        return self._everyone

    def advance(self, cars: CarState, driven: Bools) -> None:
        """Nothing moves by itself."""

    def faults(self, cars: CarState, at: Telemetry) -> Codes:
        """Faults that a car can make by itself."""
        return at.own_fault

    def reward_params(self, cars: CarState, at: Telemetry) -> Sequence[Params] | None:
        """Nothing: there are no objects."""
        return None

    def penalty_s(self, fault: Status) -> float:
        """As set; none for a car that stood still, as it has waited long enough."""
        if fault is Status.IMMOBILIZED:
            return 0.0
        settings = self.settings
        return settings.collision_penalty_s if fault is Status.CRASHED else settings.off_track_penalty_s

    def put_back(self, k: int, fault: Status, at: Telemetry, history: CarHistory) -> Pose:
        """Where it was a step before the fault, on the nearer lane.

        simapp forgets to add the start position here; we do not.
        """
        x, y = history.x_before_m[k], history.y_before_m[k]
        ndist = float(history.start_ndist[k] + history.progress_before[k] % 100.0 / 100.0)
        way = self.ways[int(history.is_reversed[k])]
        lanes = [way.lane_pose_at(ndist, lane) for lane in (INNER_LANE, OUTER_LANE)]
        return min(lanes, key=lambda pose: hypot(pose[0] - x, pose[1] - y))
