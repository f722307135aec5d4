"""A driver without a model that knows what is on the road: it passes objects on the other lane, or aims at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.rewards.road_lines import beside
from drcli.sim.pursuit import Course, Pursuit
from drcli.sim.racing_line import speeds_on
from drcli.sim.reward_params import Params
from drcli.sim.track import Array, Track
from drcli.sim.world import World

_LANE = 0.28  # share of the width beside the centre line
_MOST_MPS, _LATERAL_MPS2 = 2.0, 3.5  # while it passes
_BEHIND_M, _AHEAD_M, _AHEAD_S = -0.7, 1.3, 0.5  # along the road, from the car: where an object is minded
_BESIDE_M = (-0.4, 1.0)  # there it is too near to leave the road


class Lapse(NamedTuple):
    """From this progress (percent) on a driver aims at objects, or, once none is beside it, ignores them."""

    from_pct: float
    aims: bool


ATTENTIVE = Lapse(math.inf, False)


def way_of(track: Track, race: RaceSettings) -> Track:
    """The track in driving direction."""
    return track.reversed() if race.reverse_dir else track


class Dodging:
    """Drives the K cars of a world, each on its own course; in a race without objects by pure pursuit alone.

    lapses: `[K]`; none by default.
    """

    def __init__(self, world: World, courses: Sequence[Course], lapses: Sequence[Lapse] = ()) -> None:
        self._world, self._own = world, Pursuit(courses)
        self._lapses = lapses or [ATTENTIVE] * len(courses)
        self._ignores = [False] * len(courses)
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
            side = self._side(k, added[k])
            if side is not None:
                steering, speed_mps = lanes[side][k]
                actions[k] = steering, min(speed_mps, actions[k, 1])
        return actions

    def _side(self, k: int, added: Params) -> bool | None:
        """Whether car `k` drives on the left lane because of an object; None: it stays on its course."""
        world, length_m = self._world, self._world.track.length_m
        here = np.array(added["objects_distance"]) - world.telemetry.projection_distance_m[k]
        ahead_m = (here + length_m / 2) % length_m - length_m / 2
        reach_m = _AHEAD_M + _AHEAD_S * world.cars.speed_mps[k]
        minded = np.where((ahead_m > _BEHIND_M) & (ahead_m < reach_m), np.abs(ahead_m), np.inf)
        near, lapse = int(minded.argmin()), self._lapses[k]
        has_lapsed = bool(world.telemetry.progress[k] >= lapse.from_pct)
        is_beside = _BESIDE_M[0] < ahead_m[near] < _BESIDE_M[1]
        self._ignores[k] |= has_lapsed and not lapse.aims and not is_beside
        if self._ignores[k] or np.isinf(minded[near]):
            return None
        is_left = bool(added["objects_left_of_center"][near])
        return is_left if has_lapsed and lapse.aims else not is_left
