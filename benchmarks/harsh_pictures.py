"""Recorded pictures made harsh, as a stand-in for a real car's: what none of our randomised pictures was made with.

Boxes of any grey stand instead of everything above the ground; the field has another grey; gamma, gain, glare, motion
blur and noise are drawn for each picture. Counted are pictures from the road, by where the road goes, not by what a
model does with the clean picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.track import Pose, Track
from drcli.sim.world import World

GROUND_ROW = 34  # of recorded pictures: above it is no ground
FIELD = 95, 150  # greys of the field there
LEFT_RAD, STRAIGHT_RAD = 0.45, 0.14  # bearings of the centre line 1 m further along: clearly left, straight
NEAR_STRAIGHT_DEG = 16.0
Pictures = NDArray[np.uint8]  # [N, 120, 160]


def harsh(pictures: Pictures, seed: int = 5) -> Pictures:
    """The pictures, changed."""
    rng = np.random.default_rng(seed)
    return np.stack([_harsh(picture, rng) for picture in pictures])


def steered_right(steering_deg: NDArray[np.float64], track: Track, poses: Sequence[Pose]) -> list[str]:
    """In how many pictures where the road goes left a model steers left, and near straight where it goes straight."""
    world = World(track, RaceSettings(), len(poses), sensors=("ROAD_AHEAD",), record=False)
    world.reset()
    for k, pose in enumerate(poses):
        put(world.cars, k, *pose)
    road = world._look(np.ones(len(poses), np.bool_))["ROAD_AHEAD"]
    ahead_m, left_m = road[:, 10], road[:, 11]  # 1 m further along
    bearing, is_on_road = np.arctan2(left_m, ahead_m), np.abs(road[:, 0]) < 1.0
    left = is_on_road & (bearing > LEFT_RAD)
    straight = is_on_road & (np.abs(bearing) < STRAIGHT_RAD) & (np.abs(road[:, 1]) < STRAIGHT_RAD)
    return [
        f"{100 * np.mean(good[where]):.0f} % of {where.sum()}"
        for good, where in ((steering_deg > 0, left), (np.abs(steering_deg) <= NEAR_STRAIGHT_DEG, straight))
    ]


def _harsh(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    grey = picture.astype(float)
    height, width = grey.shape
    field = (picture > FIELD[0]) & (picture < FIELD[1])
    grey[field] += rng.uniform(-90, 70)
    grey[:GROUND_ROW] = _boxes(rng, width)
    grey = 255 * (np.clip(grey, 0, 255) / 255) ** rng.uniform(0.7, 1.5) * rng.uniform(0.7, 1.3)
    row, column = np.mgrid[:height, :width]
    for _ in range(rng.integers(0, 3)):
        across = (column - rng.uniform(0, width)) / rng.uniform(8, 30)
        down = (row - rng.uniform(30, 110)) / rng.uniform(5, 20)
        grey += rng.uniform(30, 110) * np.exp(-0.5 * (across**2 + down**2))
    moved = int(rng.integers(1, 5))
    grey = np.mean([np.roll(grey, shift, axis=1) for shift in range(moved)], axis=0)
    grey += rng.normal(0, rng.uniform(0, 6), grey.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def _boxes(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    above = np.full((GROUND_ROW, width), rng.uniform(40, 220))
    for _ in range(rng.integers(5, 25)):
        low, left = rng.integers(0, GROUND_ROW + 1), rng.integers(0, width)
        tall, wide = rng.integers(3, 30), rng.integers(2, 40)
        above[max(low - tall, 0) : low, left : left + wide] = rng.uniform(0, 255)
    return above
