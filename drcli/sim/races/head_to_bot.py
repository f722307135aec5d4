"""Head to bot: slow cars drive ahead on the lanes. Who touches one from behind has crashed; one that touches you waits.

Bot cars follow splines at a constant speed, as in the community's bot_cars_agent_ctrl.py; nothing stops them but that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_arrays import Array, Bools
from drcli.sim.constants import MAX_SPEED_MPS
from drcli.sim.races.lane_lines import lane_lines
from drcli.sim.races.object_kinds import car_of
from drcli.sim.races.object_race import ObjectRace, ResetSettings
from drcli.sim.races.own_params import OwnParams, ParamError
from drcli.sim.races.placement import Places, check_room, spread_places
from drcli.sim.races.places_params import params_of_places
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.reward_params import Params
from drcli.sim.track import Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState

BOT_COLOUR = "Red"
LEAST_CHANGE_M = 0.1
_NO_TIME_S = 1e-6  # what a pause counted down in steps may leave


@dataclass(frozen=True)
class BotSettings:
    """The bot cars of a race, as in a params document."""

    count: int
    apart_m: float
    is_random: bool
    speed_mps: float
    penalty_s: float
    changes_lanes: bool
    wait_s: tuple[float, float]  # from the end of a lane change to the start of the next one
    change_m: float

    @classmethod
    def read(cls, own: OwnParams, track: Track) -> BotSettings:
        """Raises ParamError for a value that is not allowed, or if so many cars do not fit on the track."""
        lower, upper = own.number("LOWER_LANE_CHANGE_TIME", 3.0), own.number("UPPER_LANE_CHANGE_TIME", 5.0)
        if lower > upper:
            raise ParamError("LOWER_LANE_CHANGE_TIME", lower, f"more than UPPER_LANE_CHANGE_TIME, {upper:g}")
        found = cls(
            count=own.count("NUMBER_OF_BOT_CARS", 0),
            apart_m=own.number("MIN_DISTANCE_BETWEEN_BOT_CARS", 2.0),
            is_random=own.is_set("RANDOMIZE_BOT_CAR_LOCATIONS"),
            speed_mps=own.number("BOT_CAR_SPEED", 0.2, 0.0, MAX_SPEED_MPS),
            penalty_s=own.number("PENALTY_SECONDS", 2.0),
            changes_lanes=own.is_set("IS_LANE_CHANGE"),
            wait_s=(lower, upper),
            change_m=own.number("LANE_CHANGE_DISTANCE", 1.0),
        )
        if found.changes_lanes and found.change_m < LEAST_CHANGE_M:
            raise ParamError(
                "LANE_CHANGE_DISTANCE", found.change_m, f"expected a number of {LEAST_CHANGE_M:g} or more"
            )
        check_room(track, found.count, found.apart_m, ("NUMBER_OF_BOT_CARS", "MIN_DISTANCE_BETWEEN_BOT_CARS"))
        return found

    def places(self, length_m: float, rng: np.random.Generator) -> Places:
        """Where they start an episode; `rng` is used if that changes."""
        return spread_places(length_m, self.count, self.apart_m, rng if self.is_random else None)


class HeadToBot(ObjectRace):
    """Bot cars on the inner or the outer lane, which they may change."""

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        self._bots = found = BotSettings.read(OwnParams(settings.own), track)
        kind = car_of(BOT_COLOUR)
        super().__init__(track, settings, num_envs, kind=kind, count=found.count, is_obstacle=False)
        self._lines = lane_lines(track)
        self._along_m, self._changed, self._wait_s, self._pause_s = np.zeros((4, num_envs, found.count))
        self._from_lane, self._to_lane = np.ones((2, num_envs, found.count), np.int64)
        self._rngs = [np.random.default_rng(0)] * num_envs

    @staticmethod
    def check(track: Track, settings: RaceSettings) -> None:
        """Raises DrError if a param is invalid, or if the bot cars do not fit on the track."""
        own = OwnParams(settings.own)
        BotSettings.read(own, track)
        ResetSettings.read(own)

    @staticmethod
    def params_at_start(track: Track, settings: RaceSettings) -> Params:
        """Those of the bot cars in an episode."""
        bots = BotSettings.read(OwnParams(settings.own), track)
        return params_of_places(track, bots.places(track.length_m, np.random.default_rng(0)), bots.speed_mps)

    def advance(self, cars: CarState, driven: Bools) -> None:
        """Drive the bot cars on; one that has run into the car from behind waits PENALTY_SECONDS."""
        if not self._count:
            return
        self._find_hits(cars)
        here = driven[:, None]
        self._pause_s[here & self._hits & (self._ahead_m >= 0.0) & (self._pause_s <= _NO_TIME_S)] = (
            self._bots.penalty_s
        )
        moving = here & (self._pause_s <= _NO_TIME_S)
        step_s = cars.step_s[:, None] * moving
        self._pause_s -= np.minimum(self._pause_s, cars.step_s[:, None]) * here
        self._along_m += self._bots.speed_mps * step_s
        if self._bots.changes_lanes and self._bots.speed_mps > 0.0:
            self._change_lanes(step_s)
        self._move(driven)
        self._locate(driven)

    def _place(self, k: int, start: EpisodeStart, rng: np.random.Generator) -> None:
        bots, length_m = self._bots, self.ways[0].length_m
        self._rngs[k] = rng
        places = bots.places(length_m, rng)
        self._along_m[k], self._from_lane[k], self._to_lane[k] = places.along_m, places.lane, places.lane
        self._pause_s[k], self._changed[k] = 0.0, 0.0
        self._wait_s[k] = rng.uniform(*bots.wait_s, bots.count)
        self._move(np.arange(len(self._rngs)) == k)

    def _motion(self) -> tuple[float, Array]:
        """Their speed and headings."""
        return self._bots.speed_mps, self._boxes.heading_rad

    def _change_lanes(self, step_s: Array) -> None:
        """Count down to the next change, and continue those that have begun: `_changed` is their share, 0 to 1.

        step_s: `[K, M]`, 0 for bot cars that do not move.
        """
        is_changing = self._from_lane != self._to_lane
        self._wait_s -= np.where(is_changing, 0.0, step_s)
        begins = (step_s > 0.0) & ~is_changing & (self._wait_s <= 0.0)
        self._to_lane[begins] *= -1
        self._changed += np.where(
            is_changing | begins, self._bots.speed_mps * step_s / self._bots.change_m, 0.0
        )
        ends = self._changed >= 1.0
        self._from_lane[ends], self._changed[ends] = self._to_lane[ends], 0.0
        for k, m in zip(*ends.nonzero(), strict=True):
            self._wait_s[k, m] = self._rngs[k].uniform(*self._bots.wait_s)

    def _move(self, cars: Bools) -> None:
        """Put the bot cars of some cars where they are now; a change of lanes starts and ends in their direction."""
        way = np.broadcast_to(self._is_reversed[:, None], self._along_m.shape).astype(np.int64)
        point, turn = self._lines.at(way, self._from_lane, self._along_m)
        if (self._from_lane != self._to_lane).any():
            other, other_turn = self._lines.at(way, self._to_lane, self._along_m)
            share = self._changed[..., None]
            eased, slope = (
                share * share * (3.0 - 2.0 * share),
                6.0 * share * (1.0 - share) / self._bots.change_m,
            )
            turn = turn + eased * (other_turn - turn) + slope * (other - point)
            point = point + eased * (other - point)
        boxes = self._boxes
        boxes.x_m[cars], boxes.y_m[cars] = point[cars, :, 0], point[cars, :, 1]
        boxes.heading_rad[cars] = np.arctan2(turn[cars, :, 1], turn[cars, :, 0])
