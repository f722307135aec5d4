"""What might stand around a track: panoramas of panels, windows, people, furniture and lamps, in shades of grey.

Tables that are always the same, drawn once with NumPy; an episode with randomised pictures gets one of them, turned.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

# Rows count up from the ground, columns around; powers of 2.
PANORAMAS, PANORAMA_ROWS, PANORAMA_COLUMNS = 32, 48, 1024
_SEED = 11
_LIMIT = 127.0
# Columns; a row is as high as a column is wide, and a pixel nearly is.
_PER_RAD = PANORAMA_COLUMNS / (2.0 * math.pi)
Panorama = npt.NDArray[np.float64]


@cache
def panoramas() -> npt.NDArray[np.int8]:
    """Grey levels to add to walls and sky, `[PANORAMAS, PANORAMA_ROWS, PANORAMA_COLUMNS]`; the ends of a row meet."""
    rng = np.random.default_rng(_SEED)
    drawn = np.stack([_panorama(rng) for _ in range(PANORAMAS)])
    return np.asarray(np.clip(drawn, -_LIMIT, _LIMIT), np.int8)


def _panorama(rng: np.random.Generator) -> Panorama:
    """Some are nearly empty, others full."""
    picture = np.zeros((PANORAMA_ROWS, PANORAMA_COLUMNS))
    fullness = rng.uniform(0.1, 1.0)
    for draw, most in (
        (_panel, 24),
        (_stripe, 4),
        (_windows, 8),
        (_furniture, 30),
        (_person, 24),
        (_lamp, 10),
    ):
        for _ in range(rng.poisson(most * fullness)):
            draw(picture, rng)
    picture += rng.normal(0.0, rng.uniform(0.0, 8.0), picture.shape)
    return picture


def _box(
    picture: Panorama, low: float, high: float, left: float, wide: float
) -> tuple[slice, npt.NDArray[np.int64]]:
    """Rows and columns of a rectangle."""
    columns = (int(left) + np.arange(max(int(wide), 1))) % PANORAMA_COLUMNS
    return slice(max(int(low), 0), max(int(high), 1)), columns


def _paint(picture: Panorama, box: tuple[slice, npt.NDArray[np.int64]], grey: float) -> None:
    picture[box[0], box[1]] = grey


def _panel(picture: Panorama, rng: np.random.Generator) -> None:
    left, wide = rng.uniform(0, PANORAMA_COLUMNS), rng.uniform(10, 160)
    _paint(picture, _box(picture, 0, rng.uniform(4, 60), left, wide), rng.normal(0.0, 35.0))


def _stripe(picture: Panorama, rng: np.random.Generator) -> None:
    low = rng.uniform(0, 40)
    box = _box(picture, low, low + rng.uniform(1, 8), rng.uniform(0, PANORAMA_COLUMNS), rng.uniform(80, 1024))
    _paint(picture, box, rng.normal(0.0, 50.0))


def _windows(picture: Panorama, rng: np.random.Generator) -> None:
    """A row of them, with bars between."""
    left, low, grey = rng.uniform(0, PANORAMA_COLUMNS), rng.uniform(2, 25), rng.uniform(30, 127)
    wide, gap, tall = rng.uniform(8, 40), rng.uniform(1, 8), rng.uniform(6, 30)
    for _ in range(rng.integers(1, 6)):
        _paint(picture, _box(picture, low, low + tall, left, wide), grey)
        left += wide + gap


def _furniture(picture: Panorama, rng: np.random.Generator) -> None:
    left, wide, tall = rng.uniform(0, PANORAMA_COLUMNS), rng.uniform(2, 40), rng.uniform(2, 14)
    _paint(picture, _box(picture, 0, tall, left, wide), rng.normal(0.0, 60.0))


def _person(picture: Panorama, rng: np.random.Generator) -> None:
    """Legs, a body, a head."""
    left, tall = rng.uniform(0, PANORAMA_COLUMNS), rng.uniform(12, 60)
    wide = tall * rng.uniform(0.2, 0.35)
    legs, body, head = rng.normal(-30.0, 50.0), rng.normal(0.0, 70.0), rng.normal(20.0, 40.0)
    for side in (0.0, 0.55):
        _paint(picture, _box(picture, 0, 0.5 * tall, left + side * wide, 0.4 * wide), legs)
    _paint(picture, _box(picture, 0.45 * tall, 0.83 * tall, left, wide), body)
    _paint(picture, _box(picture, 0.83 * tall, tall, left + 0.3 * wide, 0.4 * wide), head)


def _lamp(picture: Panorama, rng: np.random.Generator) -> None:
    """A soft, bright blob."""
    row, column, size = rng.uniform(0, PANORAMA_ROWS), rng.integers(PANORAMA_COLUMNS), rng.uniform(2.0, 14.0)
    rows = np.exp(-0.5 * ((np.arange(PANORAMA_ROWS) - row) / size) ** 2)
    away = (
        np.arange(PANORAMA_COLUMNS) - column + PANORAMA_COLUMNS / 2
    ) % PANORAMA_COLUMNS - PANORAMA_COLUMNS / 2
    picture += rng.uniform(40, 200) * rows[:, None] * np.exp(-0.5 * (away / size) ** 2)
