"""The ground as the camera sees it: road, edge lines, centre dashes and field in grey, with mip levels.

Drawn once per track with NumPy (no compilation), anti-aliased: every pixel is the mean of what it covers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.constants import (
    DASH_LENGTH_M,
    DASH_PERIOD_M,
    DASH_WIDTH_M,
    EDGE_LINE_M,
    Palette,
    grey,
)
from drcli.sim.track import Array, Track

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

PIXEL_M = 0.01
_LEVELS = 6
_BLOCK_PX = 1 << (_LEVELS - 1)
_MARGIN_M = 1.0
_FIRST_DASH = 0.75  # in periods: the centre line begins with a gap (as on recorded pictures of reinvent_base)
_SEED = 7  # of the grain, which is always the same
_PIECE_M = 0.2  # borders are drawn in pieces no longer than this


class Ground(NamedTuple):
    """All mip levels of the ground in one byte array, each coarser by 2; the sampler clamps at the edges."""

    pixels: Bytes  # level after level, row by row from the lower left corner
    first: Ints  # [levels] index of each level's lower left pixel
    columns: Ints  # [levels]
    rows: Ints  # [levels]
    x_m: float  # lower left corner
    y_m: float
    pixel_m: float  # of level 0
    sheen_below: int  # what is darker than this is road


def draw_ground(track: Track, palette: Palette, pixel_m: float = PIXEL_M, grain: float = 0.0) -> Ground:
    """The ground of a track: the road, a white strip inside each border, dashes on the centre, a field.

    `grain` is the standard deviation of their texture in a pixel, as a share of the grey.
    """
    points = np.concatenate([track.inner, track.outer])
    low, high = points.min(axis=0) - _MARGIN_M, points.max(axis=0) + _MARGIN_M
    columns, rows = (np.ceil((high - low) / pixel_m / _BLOCK_PX) * _BLOCK_PX).astype(int)
    center, *borders = ((line - low) / pixel_m for line in (track.center, track.inner, track.outer))
    picture = _road(borders, track.is_loop, (int(rows), int(columns)), palette, pixel_m)
    _dash(picture, center, palette, pixel_m)
    if grain:
        picture += picture * grain * np.random.default_rng(_SEED).standard_normal(picture.shape, np.float32)
    levels = [picture]
    for _ in range(_LEVELS - 1):
        tall, wide = levels[-1].shape
        levels.append(levels[-1].reshape(tall // 2, 2, wide // 2, 2).mean(axis=(1, 3), dtype=np.float32))
    sizes = np.array([level.shape for level in levels], dtype=np.int64)
    return Ground(
        pixels=np.concatenate([np.clip(np.rint(level), 0, 255).astype(np.uint8).ravel() for level in levels]),
        first=np.concatenate([[0], sizes.prod(axis=1).cumsum()[:-1]]),
        columns=sizes[:, 1].copy(),
        rows=sizes[:, 0].copy(),
        x_m=float(low[0]),
        y_m=float(low[1]),
        pixel_m=pixel_m,
        sheen_below=_sheen_below(palette),
    )


def _sheen_below(palette: Palette) -> int:
    """Between the road and what is next brighter, field or lines."""
    road, field, edge = (grey(rgb) for rgb in (palette.road, palette.field, palette.edge))
    return (road + (field if field > road else edge)) // 2


def _road(
    borders: list[Array], is_loop: bool, shape: tuple[int, int], palette: Palette, pixel_m: float
) -> Floats:
    """Field, white strip and road by the signed distance to the nearest border (+ inside), in pixels."""
    inner, outer = borders
    if is_loop:
        inside = _inside(inner, shape) ^ _inside(outer, shape)
    else:
        inside = _inside(np.concatenate([inner, outer[::-1], inner[:1]]), shape)
    strip_px = EDGE_LINE_M / pixel_m
    gap = _gap(borders, shape, strip_px + 1.0, _PIECE_M / pixel_m)
    signed = np.where(inside, gap, -gap)
    on_road, past_strip = np.clip(signed + 0.5, 0.0, 1.0), np.clip(signed - strip_px + 0.5, 0.0, 1.0)
    field, edge, road = (np.float32(grey(rgb)) for rgb in (palette.field, palette.edge, palette.road))
    return np.asarray(field + (edge - field) * on_road + (road - edge) * past_strip, dtype=np.float32)


def _inside(line: Array, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which pixel centres a closed line encloses: every crossing of a pixel row flips all pixels to its right."""
    (ax, ay), (bx, by) = (line[:-1] - 0.5).T, (line[1:] - 0.5).T
    low, high = np.ceil(np.minimum(ay, by)).astype(int), np.ceil(np.maximum(ay, by)).astype(int)
    edge = np.repeat(np.arange(len(ax)), high - low)
    row = low[edge] + _count_up(high - low)
    x = ax[edge] + (row - ay[edge]) / (by - ay)[edge] * (bx - ax)[edge]
    flips = np.zeros(shape, dtype=np.int8)
    np.add.at(flips, (row, np.ceil(x).astype(int)), 1)
    return np.asarray(np.cumsum(flips, axis=1, dtype=np.int8) & 1, dtype=bool)


def _gap(lines: list[Array], shape: tuple[int, int], reach_px: float, piece_px: float) -> Floats:
    """Distance of every pixel centre from the nearest line, `reach_px` at most."""
    start = np.concatenate([line[:-1] for line in lines])
    step = np.concatenate([np.diff(line, axis=0) for line in lines])
    count = np.maximum(np.ceil(np.hypot(*step.T) / piece_px), 1.0).astype(int)
    step, share = np.repeat(step / count[:, None], count, axis=0), _count_up(count)
    middle = np.repeat(start, count, axis=0) + (share + 0.5)[:, None] * step
    row, column, (x, y) = _windows(middle, math.ceil(piece_px / 2 + reach_px), shape)
    step_x, step_y = step.T[..., None]
    along = (x * step_x + y * step_y) / np.maximum(step_x**2 + step_y**2, 1e-12)
    along = np.clip(along, -0.5, 0.5)
    square = np.full(shape, reach_px**2, dtype=np.float32)
    np.minimum.at(square, (row, column), (x - along * step_x) ** 2 + (y - along * step_y) ** 2)
    return np.sqrt(square)


def _dash(picture: Floats, center: Array, palette: Palette, pixel_m: float) -> None:
    """Paint dashes along the centre line, blended by how much of a pixel each covers."""
    step = np.diff(center, axis=0)
    ends = np.concatenate([[0.0], np.hypot(*step.T).cumsum()])
    distance = np.arange(_FIRST_DASH, ends[-1] * pixel_m / DASH_PERIOD_M) * DASH_PERIOD_M / pixel_m
    segment = np.searchsorted(ends, distance, side="right") - 1
    ahead = step[segment] / np.hypot(*step[segment].T)[:, None]
    middle = center[segment] + (distance - ends[segment])[:, None] * ahead
    half_length, half_width = DASH_LENGTH_M / 2 / pixel_m, DASH_WIDTH_M / 2 / pixel_m
    radius = math.ceil(math.hypot(half_length, half_width) + 1.0)
    row, column, (x, y) = _windows(middle, radius, picture.shape)
    cos, sin = ahead.T[..., None]
    cover = np.clip(half_length + 0.5 - abs(x * cos + y * sin), 0.0, 1.0)
    cover *= np.clip(half_width + 0.5 - abs(y * cos - x * sin), 0.0, 1.0)
    paint = np.zeros_like(picture)
    np.maximum.at(paint, (row, column), cover)
    picture += paint * (grey(palette.dash) - picture)


def _windows(middle: Array, radius: int, shape: tuple[int, ...]) -> tuple[Ints, Ints, tuple[Floats, Floats]]:
    """Square windows of pixels around points: row, column, offset (x, y) of their centres; `[M, W]` each."""
    steps = np.arange(-radius, radius + 1)
    corner = np.floor(middle).astype(np.int64)
    row = np.clip(np.repeat(steps, len(steps)) + corner[:, 1:], 0, shape[0] - 1)
    column = np.clip(np.tile(steps, len(steps)) + corner[:, :1], 0, shape[1] - 1)
    x, y = column + 0.5 - middle[:, :1], row + 0.5 - middle[:, 1:]
    return row, column, (x.astype(np.float32), y.astype(np.float32))


def _count_up(counts: Ints) -> Ints:
    """0, 1, … below each of the counts, one after another."""
    return np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
