"""Starts that are not where the round robin puts them: spread over the lap, or perturbed. Imports no numba."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.track import Pose

PERTURBATION_M, PERTURBATION_RAD = 0.15, 0.15  # at most half a lane, 8.6°
_GOLDEN = (5**0.5 - 1.0) / 2.0  # starts that this moves on each time never gather anywhere


def spread_share(number: int, count: int) -> float:
    """How far round the lap start `number` is, of rounds of `count` that are evenly spread."""
    rounds, place = divmod(number, count)
    return (place + _GOLDEN * rounds) / count


def perturbed(pose: Pose, start: EpisodeStart) -> Pose:
    """A pose up to PERTURBATION_M beside it and turned by up to PERTURBATION_RAD."""
    left, turn = np.random.default_rng([start.seed, start.number]).uniform(-1.0, 1.0, 2)
    x, y, heading = pose
    left_m = left * PERTURBATION_M
    return x - left_m * sin(heading), y + left_m * cos(heading), heading + turn * PERTURBATION_RAD
