"""Randomised pictures: how the world looks to the cameras of K cars, drawn anew for each episode.

Models that have seen many lights, walls and floors rely on the road's markings, so they also work on a real car.
Worlds draw the styles; cameras apply them (`drcli.sim.sensors.styled_pinhole`). Imports no numba.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_arrays import Array, Ints

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

GAMMA = (0.7, 1.4)  # drawn evenly in its logarithm, like the brightness
CONTRAST = (0.7, 1.3)  # around mid-grey
BRIGHTNESS = (0.65, 1.4)  # factor
BLUR = (0.0, 0.25)  # share of a pixel that comes from each neighbour, horizontally and then vertically
NOISE = (0.0, 6.0)  # standard deviation, grey levels
PITCH_RAD = (-0.0262, 0.0262)  # ±1.5°
SKY, WALL = (60.0, 255.0), (40.0, 235.0)  # grey
WALL_HEIGHT_RAD = (0.0, 0.2)  # above the horizon; the camera sees 0.2 of it
SPOTS = (0.0, 12.0)  # standard deviation of the ground, grey levels

SECTORS = 64  # of the walls around
PATTERN_CELLS, CELL_M = 128, 0.04  # of the pattern of spots; the number is a power of 2
PATTERN_UNIT = 32  # one standard deviation of the pattern
NOISE_VALUES = 1 << 13
_WALL_CHANGE, _WALL_CONTRAST = 0.4, 30.0  # from sector to sector: probability, grey levels
_SPOTS_LIMIT = 2.5  # standard deviations
_SPOT_WAVES = (2.0, 12.0)  # a pattern's waves in its length of 5.12 m: 0.4 m to 2.6 m
_TAG = 0x9C7  # tells these random numbers from others of the same episode
_SEED = 7  # of the tables, which are always the same


class PictureStyles(NamedTuple):
    """How the cameras of K cars see in their present episodes."""

    pitch_rad: Array  # [K] added to the camera's, + is down
    sky: Bytes  # [K] grey
    walls: Bytes  # [K, SECTORS] grey, counterclockwise from the x axis
    wall_height_rad: Array  # [K]
    spots: Array  # [K] standard deviation, grey levels
    spots_at: Ints  # [K, 2] column and row of the pattern at the corner of the ground
    tone: Floats  # [K, 256] the image's grey for each grey of the world
    blur: Floats  # [K]
    noise: Floats  # [K] standard deviation, grey levels
    noise_seed: Ints  # [K]


def new_styles(num_envs: int) -> PictureStyles:
    """Styles not drawn yet."""
    reals, greys = np.zeros((3, num_envs)), np.zeros((2, num_envs), np.float32)
    return PictureStyles(
        pitch_rad=reals[0],
        sky=np.zeros(num_envs, np.uint8),
        walls=np.zeros((num_envs, SECTORS), np.uint8),
        wall_height_rad=reals[1],
        spots=reals[2],
        spots_at=np.zeros((num_envs, 2), np.int64),
        tone=np.zeros((num_envs, 256), np.float32),
        blur=greys[0],
        noise=greys[1],
        noise_seed=np.zeros(num_envs, np.int64),
    )


def draw_style(styles: PictureStyles, k: int, seed: int, episode: int) -> None:
    """Draw how car `k` sees in an episode, from nothing but the world's seed and the episode's number."""
    rng = np.random.default_rng([seed, episode, _TAG])
    gamma, brightness = (
        math.exp(rng.uniform(math.log(low), math.log(high))) for low, high in (GAMMA, BRIGHTNESS)
    )
    styles.tone[k] = _tone(gamma, brightness, rng.uniform(*CONTRAST))
    styles.blur[k], styles.noise[k] = rng.uniform(*BLUR), rng.uniform(*NOISE)
    styles.noise_seed[k] = rng.integers(1 << 31)
    styles.pitch_rad[k] = rng.uniform(*PITCH_RAD)
    styles.sky[k], styles.walls[k] = rng.uniform(*SKY), _walls(rng)
    styles.wall_height_rad[k] = rng.uniform(*WALL_HEIGHT_RAD)
    styles.spots[k], styles.spots_at[k] = rng.uniform(*SPOTS), rng.integers(PATTERN_CELLS, size=2)


def _tone(gamma: float, brightness: float, contrast: float) -> Array:
    grey = (np.arange(256) / 255.0) ** gamma
    return np.clip(255.0 * brightness * (0.5 + contrast * (grey - 0.5)), 0.0, 255.0)


def _walls(rng: np.random.Generator) -> Bytes:
    """Pieces of wall of different widths: a sector has the grey of its neighbour or another one."""
    greys = rng.uniform(*WALL) + rng.normal(0.0, _WALL_CONTRAST, SECTORS)
    piece = np.cumsum(rng.random(SECTORS) < _WALL_CHANGE) % SECTORS
    return np.asarray(np.clip(greys[piece], 0.0, 255.0), np.uint8)


@cache
def spots_pattern() -> npt.NDArray[np.int8]:
    """Large soft spots, `[PATTERN_CELLS, PATTERN_CELLS]`, in PATTERN_UNITs; it can be laid like tiles."""
    rng = np.random.default_rng(_SEED)
    waves = np.fft.fftfreq(PATTERN_CELLS, 1.0 / PATTERN_CELLS)
    count = np.hypot(waves[:, None], waves[: PATTERN_CELLS // 2 + 1])
    kept = (count >= _SPOT_WAVES[0]) & (count <= _SPOT_WAVES[1])
    white = np.fft.rfft2(rng.normal(size=(PATTERN_CELLS, PATTERN_CELLS)))
    spots = np.fft.irfft2(white * kept / np.maximum(count, 1.0), s=(PATTERN_CELLS, PATTERN_CELLS))
    spots = np.clip(spots / spots.std(), -_SPOTS_LIMIT, _SPOTS_LIMIT)
    return np.asarray(np.rint(spots * PATTERN_UNIT), np.int8)


@cache
def noise_values() -> Floats:
    """Normally distributed, `[NOISE_VALUES]`, standard deviation 1. Rows of a picture take pieces of it."""
    return np.random.default_rng(_SEED).normal(size=NOISE_VALUES).astype(np.float32)
