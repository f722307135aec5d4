"""The ground of a track in colour, and what stands around it: drawn once, then looked at from everywhere."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from drcli.sim.constants import RGB, Palette, grey, palette_of
from drcli.sim.field import field_of
from drcli.sim.sensors.ground_raster import Ground, draw_ground
from drcli.sim.surroundings import Surroundings, surroundings_of
from drcli.sim.track import Track
from drcli.watch.pictures.painting_kernels import (
    MOST_CORNERS,
    WALL,
    Faces,
    PackedGround,
    Sky,
    decode_ground,
    halve,
)

# Codes of what the ground consists of, so that two that touch are neighbours: their mixtures are numbers between them.
_FIELD, _EDGE, _ROAD, _DASH = 0, 80, 160, 240
_CODES = Palette(*((code + 1,) * 3 for code in (_ROAD, _EDGE, _DASH, _FIELD)))  # `grey` rounds down
_FINEST_M, _MOST_PIXELS = 0.005, 2.5e6
_GRAIN_CELLS, _GRAIN_SEED = 512, 7
_SKY: RGB = (196, 220, 240)  # tints: scaled to the greys of the surroundings
_ZENITH = 0.72  # brightness of the sky overhead
_WALL: RGB = (36, 70, 81)
_FAR_M, _OPEN_M = 1e6, 14.0  # haze inside a ring of walls, and on an open field


@lru_cache(maxsize=4)
def colour_ground(track: Track) -> PackedGround:
    """The ground in the colours of its world, at 5 mm, on large tracks coarser."""
    span = np.ptp(np.concatenate([track.inner, track.outer]), axis=0) + 2.0
    pixel_m = max(_FINEST_M, math.sqrt(float(span.prod()) / _MOST_PIXELS))
    drawn = draw_ground(track, _CODES, pixel_m)
    return _packed(drawn, _table(palette_of(track.name)), surroundings_of(track.name))


def sky_of(track: Track) -> Sky:
    """The sky over a world; without walls the field fades into it."""
    look = surroundings_of(track.name)
    horizon = np.array(tinted(_SKY, look.sky))
    deep = horizon * (_ZENITH * 0.92, _ZENITH, _ZENITH * 1.18)
    return Sky(
        _pack(horizon), _pack(np.minimum(deep, 255.0)), _FAR_M if look.wall_height_m > 0.0 else _OPEN_M
    )


def walls_of(track: Track) -> Faces:
    """The inner sides of the ring around the field, if the world has one."""
    look, field = surroundings_of(track.name), field_of(track)
    xs, ys = (field.x_low_m, field.x_high_m), (field.y_low_m, field.y_high_m)
    ring = [(xs[1], ys[1]), (xs[0], ys[1]), (xs[0], ys[0]), (xs[1], ys[0])]  # counterclockwise
    # Sides +x, +y, -x, -y; each seen from inside.
    sides = [(ring[0], ring[3]), (ring[1], ring[0]), (ring[2], ring[1]), (ring[3], ring[2])]
    corners = np.zeros((4, MOST_CORNERS, 3))
    for number, (a, b) in enumerate(sides):
        tops = [(*b, look.wall_height_m), (*a, look.wall_height_m)]
        corners[number, :4] = [(*a, 0.0), (*b, 0.0), *tops]
    colour = np.array([tinted(_WALL, shade) for shade in look.walls], float)
    count = np.full(4, 4 if look.wall_height_m > 0.0 else 0)
    return Faces(corners, count, colour, np.ones(4), np.full(4, WALL))


def tinted(tint: RGB, shade: float) -> tuple[float, float, float]:
    """A colour with the hue of `tint` and the grey `shade`, as the sensor sees it."""
    factor = shade / max(grey(tint), 1)
    red, green, blue = (min(channel * factor, 255.0) for channel in tint)
    return red, green, blue


def _table(palette: Palette) -> npt.NDArray[np.int64]:
    """Colours `[256, 3]` of the codes and what is between them."""
    at = [_FIELD, _EDGE, _ROAD, _DASH]
    colours = np.array([palette.field, palette.edge, palette.road, palette.dash])
    channels = [np.interp(np.arange(256), at, colours[:, lane]) for lane in range(3)]
    return np.asarray(np.rint(np.stack(channels, axis=1)), np.int64)


def _packed(drawn: Ground, table: npt.NDArray[np.int64], look: Surroundings) -> PackedGround:
    rows, columns = int(drawn.rows[0]), int(drawn.columns[0])
    sizes = drawn.rows * drawn.columns
    first = np.concatenate([[0], sizes.cumsum()[:-1]])
    pixels = np.empty(int(sizes.sum()), np.int64)
    codes = drawn.pixels[: rows * columns].reshape(rows, columns)
    decode_ground(codes, table, _grain(look.grain), pixels)
    for level in range(1, len(first)):
        fine = pixels[first[level - 1] : first[level]]
        halve(fine, drawn.columns[level - 1], pixels[first[level] : first[level] + sizes[level]])
    return PackedGround(pixels, first, drawn.columns, drawn.rows, drawn.x_m, drawn.y_m, drawn.pixel_m)


@lru_cache(maxsize=4)
def _grain(strength: float) -> npt.NDArray[np.int8]:
    """A tile of texture, 1/512 of the colour: fine grain, and soft stains so that it does not look printed."""
    rng = np.random.default_rng(_GRAIN_SEED)
    white = rng.standard_normal((_GRAIN_CELLS, _GRAIN_CELLS))
    waves = np.fft.fftfreq(_GRAIN_CELLS, 1.0 / _GRAIN_CELLS)
    often = np.hypot(waves[:, None], waves[: _GRAIN_CELLS // 2 + 1])
    soft = np.fft.irfft2(np.fft.rfft2(white) * np.exp(-((often / 40.0) ** 2)), s=white.shape)
    mixed = strength * (rng.standard_normal(white.shape) + 0.6 * soft / soft.std())
    return np.asarray(np.clip(mixed * 512.0, -120.0, 120.0), np.int8)


def _pack(colour: npt.NDArray[np.float64]) -> int:
    red, green, blue = (int(channel) for channel in colour)
    return red | (green << 16) | (blue << 32)
