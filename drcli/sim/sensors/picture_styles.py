"""Randomised pictures: how the world looks to the cameras of K cars, drawn anew for each episode.

Models that have seen many lights, walls and floors rely on the road's markings, so they also work on a real car.
Worlds draw the styles; cameras apply them (`drcli.sim.sensors.styled_pinhole`). Imports no numba.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.config.randomised_parts import PICTURE_PARTS
from drcli.sim.car_arrays import Array, Ints
from drcli.sim.constants import RGB, Palette, palette_of
from drcli.sim.sensors.floor_patterns import PATTERN_CELLS, floor_patterns
from drcli.sim.sensors.panoramas import PANORAMA_COLUMNS, PANORAMAS
from drcli.sim.surroundings import Surroundings, surroundings_of

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Range = tuple[float, float]
Dice = Iterator[float]  # random numbers below 1

# camera
PITCH_RAD: Range = (-0.0349, 0.0349)  # ±2°
RAISE_M: Range = (-0.01, 0.01)
ASIDE_M: Range = (-0.01, 0.01)
LENS: Range = (0.0, 0.15)  # barrel distortion, see `lens_tables`
# lights
AMBIENT = 0.35  # the share of the light that has no colour of its own: a guess
# ground
ROAD, FIELD = (10.0, 130.0), (10.0, 235.0)  # grey
LINE_CONTRAST = 60.0  # of edge lines and road, at least
DASH: Range = (0.0, 1.0)  # of the way from the road's grey to that of the edge lines
SPOTS: Range = (0.0, 12.0)  # standard deviation, grey levels
FIELD_SPOTS: Range = (1.0, 3.0)  # of the road's
# walls
SKY, WALL = (0.0, 255.0), (0.0, 235.0)  # grey
WALL_HEIGHT_M: Range = (0.0, 2.5)
WALL_DIFFERS: Range = (-45.0, 45.0)  # grey levels, of each wall
WIDER_M: Range = (-0.3, 4.0)  # how much farther out each wall is
CLUTTER: Range = (0.0, 1.5)  # factor on a panorama
# exposure
GAMMA: Range = (0.7, 1.5)  # drawn evenly in its logarithm
CONTRAST: Range = (0.7, 1.3)  # around mid-grey
EXPOSURE: Range = (50.0, 165.0)  # grey of the picture's mean: cameras expose themselves
VIGNETTE: Range = (0.0, 0.5)  # how much darker the corners are
GLARE: Range = (-60.0, 120.0)  # grey levels in its middle; below 0 it is a shadow
GLARE_AT: Range = (15.0, 115.0)  # row
GLARE_COLUMNS, GLARE_ROWS = (8.0, 40.0), (4.0, 30.0)  # its size, in standard deviations
GLARES = 2
GLARE_TURN_RAD = math.pi / 2.0  # lamps hang in rows: one is seen in that many directions
# Grey levels in the picture between road and edge lines, road and field; before blur, vignette and glare.
LEAST_CONTRAST, LEAST_FIELD_CONTRAST = 40.0, 20.0
BRIGHTEST = 100.0  # grey level in the picture of what is white, at least
# blur
BLUR: Range = (0.0, 0.25)  # share of a pixel that comes from each neighbour, vertically
MOTION: Range = (0.0, 0.33)  # the same horizontally
NOISE: Range = (0.0, 6.0)  # standard deviation, grey levels

NOISE_VALUES = 1 << 13
# As they lie beside each other, so that blends are right.
FIELD_CODE, EDGE_CODE, ROAD_CODE, DASH_CODE = 0, 85, 170, 255
_GROUND_CODES = (FIELD_CODE, EDGE_CODE, ROAD_CODE, DASH_CODE)
_ALL_GREYS = np.arange(256)
LENSES = 8
_MOST_NUMBERS = 24  # that a part needs
_TAG = 0x9C7  # tells these random numbers from others of the same episode
_SEED = 7  # of the tables, which are always the same
_SHARES = np.array([0.25, 0.5, 0.2, 0.05])  # of a picture: field, road, walls, sky
_LUMA = np.array([0.2989, 0.5870, 0.1140])  # ITU-R 601, as in simapp's observation


class PictureStyles(NamedTuple):
    """How the cameras of K cars see in their present episodes."""

    pitch_rad: Array  # [K] added to the camera's, + is down
    raise_m: Array  # [K] added to the camera's height
    aside_m: Array  # [K] to the left of the car's middle
    lens: Ints  # [K] of `lens_tables`
    ground: Floats  # [K, 256] grey of the ground for each code
    spots: Floats  # [K, 256] standard deviation of the pattern on the ground for each code, grey levels
    pattern: Ints  # [K]
    spots_at: Ints  # [K, 2] column and row of the pattern at the corner of the ground
    sky: Array  # [K] grey
    walls: Bytes  # [K, 4] grey, as in `Surroundings`
    wall_height_m: Array  # [K]
    wider_m: Array  # [K, 4] how much farther out each wall is
    panorama: Ints  # [K]
    panorama_at: Ints  # [K] column of the panorama on the x axis
    clutter: Array  # [K] factor on the panorama
    tone: Floats  # [K, 256] the image's grey for each grey of the world
    vignette: Array  # [K]
    glare: Array  # [K, GLARES, 5] grey levels, bearing (rad), row, size in columns and in rows
    blur: Floats  # [K, 2] horizontally, vertically
    noise: Floats  # [K] standard deviation, grey levels
    noise_seed: Ints  # [K]


def new_styles(num_envs: int) -> PictureStyles:
    """Styles not drawn yet."""
    return PictureStyles(
        pitch_rad=np.zeros(num_envs),
        raise_m=np.zeros(num_envs),
        aside_m=np.zeros(num_envs),
        lens=np.zeros(num_envs, np.int64),
        ground=np.zeros((num_envs, 256), np.float32),
        spots=np.zeros((num_envs, 256), np.float32),
        pattern=np.zeros(num_envs, np.int64),
        spots_at=np.zeros((num_envs, 2), np.int64),
        sky=np.zeros(num_envs),
        walls=np.zeros((num_envs, 4), np.uint8),
        wall_height_m=np.zeros(num_envs),
        wider_m=np.zeros((num_envs, 4)),
        panorama=np.zeros(num_envs, np.int64),
        panorama_at=np.zeros(num_envs, np.int64),
        clutter=np.zeros(num_envs),
        tone=np.zeros((num_envs, 256), np.float32),
        vignette=np.zeros(num_envs),
        glare=np.zeros((num_envs, GLARES, 5)),
        blur=np.zeros((num_envs, 2), np.float32),
        noise=np.zeros(num_envs, np.float32),
        noise_seed=np.zeros(num_envs, np.int64),
    )


class Plain(NamedTuple):
    """How a world looks of its own."""

    palette: Palette
    look: Surroundings


def plain_of(world_name: str) -> Plain:
    """How a world looks of its own."""
    return Plain(palette_of(world_name), surroundings_of(world_name))


def draw_style(
    styles: PictureStyles,
    k: int,
    number: tuple[int, ...],
    plain: Plain,
    parts: Collection[str] = PICTURE_PARTS,
    share: float = 1.0,
) -> None:
    """Draw how car `k` sees, from nothing but a `number`: the world's seed, the numbers of episode and step.

    What belongs to none of `parts` stays as it is; a part's numbers do not depend on the other parts.

    share: of each range, in its middle.
    """
    drawn = np.random.default_rng([*number, _TAG]).random((len(_DRAW), _MOST_NUMBERS))
    shares = (0.5 + share * (drawn - 0.5)).tolist()
    for (part, draw), numbers in zip(_DRAW.items(), shares, strict=True):
        draw(styles, k, iter(numbers) if part in parts else None, plain)
    _keep_lines_visible(styles, k)


def _between(dice: Dice, low_high: Range) -> float:
    low, high = low_high
    return low + (high - low) * next(dice)


def _below(dice: Dice, number: int) -> int:
    return int(next(dice) * number)


def _camera(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    if dice:
        styles.pitch_rad[k] = _between(dice, PITCH_RAD)
        styles.raise_m[k], styles.aside_m[k] = _between(dice, RAISE_M), _between(dice, ASIDE_M)
        styles.lens[k] = _below(dice, LENSES)


def _ground(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    palette = plain.palette
    greys = [_luma(rgb) for rgb in (palette.field, palette.edge, palette.road, palette.dash)]
    if dice:
        field, road = _between(dice, FIELD), _between(dice, ROAD)
        edge = _between(dice, (max(road + LINE_CONTRAST, 120.0), 255.0))
        greys = [field, edge, road, road + _between(dice, DASH) * (edge - road)]
        strength, more = _between(dice, SPOTS), _between(dice, FIELD_SPOTS)
        styles.spots[k] = np.interp(_ALL_GREYS, (FIELD_CODE, EDGE_CODE), (strength * more, strength))
        styles.pattern[k] = _below(dice, len(floor_patterns()))
        styles.spots_at[k] = _below(dice, PATTERN_CELLS), _below(dice, PATTERN_CELLS)
    else:
        styles.spots[k] = 0.0
    styles.ground[k] = np.interp(_ALL_GREYS, _GROUND_CODES, greys)


def _walls(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    look = plain.look
    styles.sky[k], styles.walls[k], styles.wall_height_m[k] = look.sky, look.walls, look.wall_height_m
    if dice:
        styles.sky[k], wall = _between(dice, SKY), _between(dice, WALL)
        styles.walls[k] = [min(max(wall + _between(dice, WALL_DIFFERS), 0.0), 255.0) for _ in range(4)]
        styles.wall_height_m[k] = _between(dice, WALL_HEIGHT_M)
        styles.wider_m[k] = [_between(dice, WIDER_M) for _ in range(4)]
        styles.panorama[k], styles.panorama_at[k] = _below(dice, PANORAMAS), _below(dice, PANORAMA_COLUMNS)
        styles.clutter[k] = _between(dice, CLUTTER)


def _lights(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    """Like the community's engine: the colour of the light is anything, which in grey changes every colour's share."""
    if dice:
        light = np.array([_between(dice, (AMBIENT, 1.0)) for _ in range(3)])
        palette = plain.palette
        shares = [_share(rgb, light) for rgb in (palette.field, palette.edge, palette.road, palette.dash)]
        styles.ground[k] *= np.interp(_ALL_GREYS, _GROUND_CODES, shares)
        styles.walls[k] = styles.walls[k] * _share((36, 70, 81), light)


def _exposure(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    styles.tone[k], styles.glare[k] = _ALL_GREYS, (0.0, 0.0, 0.0, 1.0, 1.0)
    if dice:
        gamma = math.exp(_between(dice, (math.log(GAMMA[0]), math.log(GAMMA[1]))))
        scene = [
            styles.ground[k, FIELD_CODE],
            styles.ground[k, ROAD_CODE],
            styles.walls[k].mean(),
            styles.sky[k],
        ]
        styles.tone[k] = _tone(gamma, _between(dice, CONTRAST), _between(dice, EXPOSURE), np.array(scene))
        styles.vignette[k] = _between(dice, VIGNETTE)
        ranges = GLARE, (-math.pi, math.pi), GLARE_AT, GLARE_COLUMNS, GLARE_ROWS
        styles.glare[k] = [[_between(dice, each) for each in ranges] for _ in range(GLARES)]


def _blur(styles: PictureStyles, k: int, dice: Dice | None, plain: Plain) -> None:
    if dice:
        styles.blur[k] = _between(dice, MOTION), _between(dice, BLUR)
        styles.noise[k], styles.noise_seed[k] = _between(dice, NOISE), _below(dice, 1 << 31)


# In this order: lights shine on ground and walls.
_DRAW = {
    "camera": _camera,
    "ground": _ground,
    "walls": _walls,
    "lights": _lights,
    "exposure": _exposure,
    "blur": _blur,
}


def _keep_lines_visible(styles: PictureStyles, k: int) -> None:
    """Where light and exposure leave too little between road and edge lines, darken the road and brighten the lines.

    The same with the field, which becomes brighter or darker than the road.
    """
    ground, tone = styles.ground[k], styles.tone[k]
    tone *= max(1.0, BRIGHTEST / tone[-1])
    field, edge, road, dash = ground[list(_GROUND_CODES)].tolist()
    share = (dash - road) / max(edge - road, 1.0)
    if tone[int(edge)] - tone[int(road)] < LEAST_CONTRAST:
        road = min(road, float(np.searchsorted(tone, tone[-1] - LEAST_CONTRAST)))
        edge = max(edge, min(float(np.searchsorted(tone, tone[int(road)] + LEAST_CONTRAST)), 255.0))
    shown = float(tone[int(road)])
    if abs(tone[int(field)] - shown) < LEAST_FIELD_CONTRAST:
        is_darker = field < road and shown - LEAST_FIELD_CONTRAST > tone[0]
        wanted = shown - LEAST_FIELD_CONTRAST if is_darker else shown + LEAST_FIELD_CONTRAST
        field = min(float(np.searchsorted(tone, wanted)), 255.0) - is_darker
    greys = field, edge, road, road + share * (edge - road)
    styles.ground[k] = np.interp(_ALL_GREYS, _GROUND_CODES, greys)


def _luma(rgb: RGB) -> float:
    return float(_LUMA @ rgb)


def _share(rgb: RGB, light: Array) -> float:
    """How bright a colour is in coloured light, compared with white light."""
    return float(_LUMA @ (rgb * light)) / max(_luma(rgb), 1.0)


def _tone(gamma: float, contrast: float, exposure: float, scene: Array) -> Array:
    """The grey to show for each grey, so that a picture of `scene` (`_SHARES` of it) is as bright as `exposure`."""
    curve = np.maximum(0.5 + contrast * ((_ALL_GREYS / 255.0) ** gamma - 0.5), 0.0)
    mean = float(_SHARES @ np.interp(scene, _ALL_GREYS, curve))
    return np.minimum(exposure / max(mean, 0.02) * curve, 255.0)


@cache
def noise_values() -> Floats:
    """Normally distributed, `[NOISE_VALUES]`, standard deviation 1. Rows of a picture take pieces of it."""
    return np.random.default_rng(_SEED).normal(size=NOISE_VALUES).astype(np.float32)
