"""Object avoidance: boxes or parked cars stand on the lanes, and who touches one has crashed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.sim.races.object_kinds import OBSTACLES, car_of
from drcli.sim.races.object_race import ObjectRace, ResetSettings
from drcli.sim.races.own_params import OwnParams, ParamError
from drcli.sim.races.placement import Places, check_room, spread_places
from drcli.sim.races.places_params import params_of_places
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.reward_params import Params
from drcli.sim.track import Array, Track

_POSITION = re.compile(r"([0-9.]+)\s*,\s*([+-]?1)")
PARKED_COLOUR = "Grey"


@dataclass(frozen=True)
class ObstacleSettings:
    """The obstacles of a race, as in a params document."""

    count: int
    apart_m: float
    is_random: bool
    is_car: bool
    kind: str
    fixed: tuple[tuple[float, int], ...]  # share of the track and lane of each; empty: spread

    @classmethod
    def read(cls, own: OwnParams, track: Track) -> ObstacleSettings:
        """Raises ParamError for a value that is not allowed, or if so many obstacles do not fit on the track."""
        found = cls(
            count=own.count("NUMBER_OF_OBSTACLES", 0),
            apart_m=own.number("MIN_DISTANCE_BETWEEN_OBSTACLES", 2.0),
            is_random=own.is_set("RANDOMIZE_OBSTACLE_LOCATIONS"),
            is_car=own.is_set("IS_OBSTACLE_BOT_CAR"),
            kind=own.choice("OBSTACLE_TYPE", "box_obstacle", OBSTACLES),
            fixed=tuple(map(_position, own.texts("OBJECT_POSITIONS"))),
        )
        if found.fixed:
            if len(found.fixed) != found.count:
                raise ParamError(
                    "OBJECT_POSITIONS", "; ".join(own.texts("OBJECT_POSITIONS")),
                    f"{len(found.fixed)} of them, but NUMBER_OF_OBSTACLES is {found.count}",
                    "Name as many positions as obstacles, or none.",
                )  # fmt: skip
        else:
            check_room(
                track, found.count, found.apart_m, ("NUMBER_OF_OBSTACLES", "MIN_DISTANCE_BETWEEN_OBSTACLES")
            )
        return found

    def places(self, length_m: float, rng: np.random.Generator) -> Places:
        """Where they stand in an episode; `rng` is used if that changes. Fixed ones never move."""
        if self.fixed:
            shares, lanes = np.array(self.fixed, np.float64).T
            return Places(shares * length_m, lanes.astype(np.int64))
        return spread_places(length_m, self.count, self.apart_m, rng if self.is_random else None)


class ObjectAvoidance(ObjectRace):
    """Obstacles of OBSTACLE_TYPE, or parked cars (IS_OBSTACLE_BOT_CAR), on the inner or the outer lane."""

    def __init__(self, track: Track, settings: RaceSettings, num_envs: int) -> None:
        self._obstacles = found = ObstacleSettings.read(OwnParams(settings.own), track)
        kind = car_of(PARKED_COLOUR) if found.is_car else OBSTACLES[found.kind]
        super().__init__(track, settings, num_envs, kind=kind, count=found.count, is_obstacle=True)

    @staticmethod
    def check(track: Track, settings: RaceSettings) -> None:
        """Raises DrError if a param is invalid, or if the obstacles do not fit on the track."""
        own = OwnParams(settings.own)
        ObstacleSettings.read(own, track)
        ResetSettings.read(own)

    @staticmethod
    def params_at_start(track: Track, settings: RaceSettings) -> Params:
        """Those of the obstacles in an episode."""
        found = ObstacleSettings.read(OwnParams(settings.own), track)
        return params_of_places(track, found.places(track.length_m, np.random.default_rng(0)))

    def _place(self, k: int, start: EpisodeStart, rng: np.random.Generator) -> None:
        if self._obstacles.is_random and not self._obstacles.fixed:
            poses = self._poses(start.is_reversed, rng)
        else:
            poses = self._always[start.is_reversed]
        boxes = self._boxes
        boxes.x_m[k], boxes.y_m[k], boxes.heading_rad[k] = poses

    @cached_property
    def _always(self) -> tuple[Array, Array]:
        """The poses of obstacles that stand in the same places in every episode, in both driving directions."""
        rng = np.random.default_rng(0)
        return self._poses(False, rng), self._poses(True, rng)

    def _poses(self, is_reversed: bool, rng: np.random.Generator) -> Array:
        """`[3, M]`: x, y and heading."""
        way = self.ways[is_reversed]
        places = self._obstacles.places(way.length_m, rng)
        poses = [
            way.lane_pose_at(float(along_m) / way.length_m, int(lane))
            for along_m, lane in zip(*places, strict=True)
        ]
        return np.array(poses, np.float64).reshape(-1, 3).T


def _position(text: str) -> tuple[float, int]:
    match = _POSITION.fullmatch(text)
    try:
        share, lane = float(match[1]) if match else -1.0, int(match[2]) if match else 0
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ParamError(
            "OBJECT_POSITIONS",
            text,
            "expected a share of the track (0 to 1) and a lane (1 inner, -1 outer): 0.2,-1",
        )
    return share, lane
