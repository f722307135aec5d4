"""Where on the track objects are put, and whether so many fit. Distances are along the centre line, NumPy only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.races.own_params import ParamError
from drcli.sim.track import INNER_LANE, OUTER_LANE, Array, Track

FREE_END_M = 1.0  # before the finish
LEAST_APART_M = 0.5  # the length of an obstacle, whatever the settings say
Lanes = npt.NDArray[np.int64]  # INNER_LANE or OUTER_LANE


class Places(NamedTuple):
    """Places of M objects: arrays `[M]`."""

    along_m: Array  # from the first waypoint, in driving direction
    lane: Lanes


def most_objects(length_m: float, apart_m: float) -> int:
    """How many objects fit on a track of that length: the first one `apart_m` behind its start."""
    free_m = length_m - FREE_END_M
    if free_m < apart_m:
        return 0
    return int((free_m - apart_m) / max(apart_m, LEAST_APART_M) + 1e-9) + 1


def check_room(track: Track, count: int, apart_m: float, keys: tuple[str, str]) -> None:
    """Raises ParamError if so many objects do not fit; `keys` are those of their number and their distance."""
    most = most_objects(track.length_m, apart_m)
    if count > most:
        raise ParamError(
            keys[0], count,
            f"but {track.name} ({track.length_m:.1f} m) has room for {most}, with {keys[1]} {apart_m:g} m",
            "Choose fewer, a smaller distance, or a longer track.",
        )  # fmt: skip


def spread_places(
    length_m: float, count: int, apart_m: float, rng: np.random.Generator | None = None
) -> Places:
    """Evenly spread places on alternating lanes, the inner one first.

    Like the community's obstacles_agent_ctrl.py, but with the distance in metres, which it takes for percent of the
    track.

    rng: moves each of them at random, but never closer together than `apart_m`; lanes are random, too.
    """
    along_m = np.linspace(apart_m, length_m - FREE_END_M, count)
    lane = np.where(np.arange(count) % 2 == 0, INNER_LANE, OUTER_LANE)
    if rng is not None and count:
        gap_m = (length_m - FREE_END_M - apart_m) / max(count - 1, 1)
        slack_m = np.full((2, count), max(gap_m - apart_m, 0.0) / 2.0)
        if count > 1:  # the last one and the first one are neighbours, too
            slack_m[0, 0] = min(slack_m[0, 0], FREE_END_M / 2.0, apart_m)
            slack_m[1, -1] = min(slack_m[1, -1], FREE_END_M / 2.0)
        else:
            slack_m[0], slack_m[1] = 0.0, gap_m
        along_m = along_m + rng.uniform(-slack_m[0], slack_m[1])
        lane = rng.choice((INNER_LANE, OUTER_LANE), count)
    return Places(along_m, lane)
