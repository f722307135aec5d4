"""A driver without a model that knows what is on the road: it passes objects on the other lane, or aims at them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.rewards.road_lines import beside
from drcli.sim.pursuit import Course, Pursuit
from drcli.sim.racing_line import speeds_on
from drcli.sim.reward_params import Params
from drcli.sim.track import Array, Track
from drcli.sim.world import World

NEVER_PCT = math.inf
_LANE = 0.28  # share of the width beside the centre line
_MOST_MPS, _LATERAL_MPS2 = 2.0, 3.5  # while it passes
_BEHIND_M, _AHEAD_M, _AHEAD_S = -0.7, 1.3, 0.5  # along the road, from the car: where an object is minded


def way_of(track: Track, race: RaceSettings) -> Track:
    """The track in driving direction."""
    return track.reversed() if race.reverse_dir else track


class Dodging:
    """Drives the K cars of a world, each on its own course; in a race without objects by pure pursuit alone.

    crash_from_pct: `[K]`, the progress from which on a car aims at objects; by default never.
    """

    def __init__(
        self, world: World, courses: Sequence[Course], crash_from_pct: Sequence[float] | None = None
    ) -> None:
        self._world, self._own = world, Pursuit(courses)
        self._crash_from_pct = crash_from_pct or [NEVER_PCT] * len(courses)
        lanes = (beside(way_of(world.track, world.settings), share) for share in (-_LANE, _LANE))
        self._lanes = [
            Pursuit([Course(line, speeds_on(line, _MOST_MPS, _LATERAL_MPS2))] * len(courses))
            for line in (lanes if world.race.boxes else ())
        ]

    def actions(self) -> Array:
        """`[K, 2]` for `World.step`, as of `Pursuit`."""
        world = self._world
        actions = self._own.actions(world.cars, world.active)
        added = world.race.reward_params(world.cars, world.telemetry)
        if added is None:
            return actions
        lanes = [pursuit.actions(world.cars, world.active) for pursuit in self._lanes]
        for k in world.active.nonzero()[0].tolist():
            near = self._near(k, added[k])
            if near is None:
                continue
            wants_left = added[k]["objects_left_of_center"][near]
            if world.telemetry.progress[k] < self._crash_from_pct[k]:
                wants_left = not wants_left
            steering, speed_mps = lanes[wants_left][k]
            actions[k] = steering, min(speed_mps, actions[k, 1])
        return actions

    def _near(self, k: int, added: Params) -> int | None:
        """The nearest object that car `k` minds."""
        world, length_m = self._world, self._world.track.length_m
        here = np.array(added["objects_distance"]) - world.telemetry.projection_distance_m[k]
        ahead_m = (here + length_m / 2) % length_m - length_m / 2
        reach_m = _AHEAD_M + _AHEAD_S * world.cars.speed_mps[k]
        minded = np.where((ahead_m > _BEHIND_M) & (ahead_m < reach_m), np.abs(ahead_m), np.inf)
        nearest = int(minded.argmin())
        return nearest if np.isfinite(minded[nearest]) else None
