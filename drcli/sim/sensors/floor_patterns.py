"""Patterns of floors: stains, folds, carpet, planks, tiles, pieces. Tables that are always the same."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

PATTERN_CELLS, CELL_M = 128, 0.04  # a pattern can be laid like tiles; the number is a power of 2
PATTERN_UNIT = 32  # one standard deviation of a pattern
_SEED = 7
_LIMIT = 2.5  # standard deviations
_WAVES = ((2.0, 12.0), (2.0, 6.0), (8.0, 40.0))  # in the length of 5.12 m: soft spots, large ones, carpet
_PLANKS, _TILES, _PIECES = 3, 2, 2  # patterns of each kind
Pattern = npt.NDArray[np.float64]


@cache
def floor_patterns() -> npt.NDArray[np.int8]:
    """`[patterns, PATTERN_CELLS, PATTERN_CELLS]` in PATTERN_UNITs; the first one is of soft spots."""
    rng = np.random.default_rng(_SEED)
    drawn = [_spots(rng, waves) for waves in _WAVES]
    drawn += [_planks(rng) for _ in range(_PLANKS)]
    drawn += [_tiles(rng) for _ in range(_TILES)]
    drawn += [_pieces(rng) for _ in range(_PIECES)]
    scaled = [(each - each.mean()) / each.std() for each in drawn]
    return np.asarray(np.rint(np.clip(scaled, -_LIMIT, _LIMIT) * PATTERN_UNIT), np.int8)


def _spots(rng: np.random.Generator, kept: tuple[float, float]) -> Pattern:
    waves = np.fft.fftfreq(PATTERN_CELLS, 1.0 / PATTERN_CELLS)
    count = np.hypot(waves[:, None], waves[: PATTERN_CELLS // 2 + 1])
    share = ((count >= kept[0]) & (count <= kept[1])) / np.maximum(count, 1.0)
    white = np.fft.rfft2(rng.normal(size=(PATTERN_CELLS, PATTERN_CELLS)))
    return np.fft.irfft2(white * share, s=(PATTERN_CELLS, PATTERN_CELLS))


def _planks(rng: np.random.Generator) -> Pattern:
    """Planks 8 to 24 cells long, 2 to 6 wide, each in a shade of its own."""
    wide, long = int(rng.integers(2, 7)), int(rng.integers(8, 25))
    row, column = np.mgrid[:PATTERN_CELLS, :PATTERN_CELLS]
    shades = rng.normal(size=(PATTERN_CELLS, PATTERN_CELLS))
    return np.asarray(shades[row // wide, (column + 7 * (row // wide)) % PATTERN_CELLS // long])


def _tiles(rng: np.random.Generator) -> Pattern:
    """Squares like those of a chess board, of unequal shades."""
    size = int(2 ** rng.integers(2, 5))
    row, column = np.mgrid[:PATTERN_CELLS, :PATTERN_CELLS] // size
    shades = rng.normal(0.0, 0.4, (PATTERN_CELLS, PATTERN_CELLS))
    return np.asarray((row + column) % 2 + shades[row, column])


def _pieces(rng: np.random.Generator) -> Pattern:
    """Rectangles that lie about: rugs, paper, tape, cables."""
    picture = np.zeros((PATTERN_CELLS, PATTERN_CELLS))
    for _ in range(60):
        tall, wide = rng.integers(1, 20, 2)
        rows, columns = (
            (rng.integers(PATTERN_CELLS) + np.arange(size)) % PATTERN_CELLS for size in (tall, wide)
        )
        picture[np.ix_(rows, columns)] = rng.normal()
    return picture
