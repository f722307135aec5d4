"""Cars and boxes as faces: convex parts whose sizes follow the car's URDF (docs of the simulator), in metres.

The shell `deepracer` is a body over a chassis with a cabin and the camera in front; all F1 shells share one shape:
a nose, a cockpit, free wheels and two wings. Shells of DeepRacer on AWS that are no F1 cars look like `deepracer`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from drcli.config.car_looks import COLOURS, SIMAPP_SHELLS
from drcli.contract.live_state import LiveBox
from drcli.sim.constants import RGB, WHEELS_M, grey
from drcli.sim.races.object_kinds import CAR_LENGTH_M, CAR_WIDTH_M, OBSTACLES
from drcli.watch.pictures.painting_kernels import LIT, MOST_CORNERS, SHADOW, Array, Faces, Ints
from drcli.watch.scene import SceneCar

_PAINT = (-1.0, -1.0, -1.0)  # stands for the car's own colour
_TYRE, _RIM, _TRIM, _GLASS = (28.0, 28.0, 30.0), (150.0, 152.0, 158.0), (44.0, 45.0, 50.0), (38.0, 50.0, 66.0)
_LAMP, _TAIL = (250.0, 246.0, 225.0), (214.0, 40.0, 36.0)
_WHEEL_RADIUS_M, _WHEEL_WIDTH_M, _CAR_HEIGHT_M = 0.036, 0.034, 0.19
_SHADOW, _SHADOW_ALPHA, _FALLS = (12.0, 14.0, 20.0), 0.38, (-0.45, 0.1)  # how far a shadow falls per height
_CARDBOARD: RGB = (160, 128, 96)

Colour = tuple[float, float, float]


class Shape(NamedTuple):
    """Faces around the origin, ahead is +x: corners `[F, MOST_CORNERS, 3]`, their number, colours."""

    corners: Array
    corner_count: Ints
    colour: Array


class _Slab(NamedTuple):
    """A block between two rectangles, of x from and to, half a width, z: the lower and the upper one."""

    low: tuple[float, float, float, float]
    high: tuple[float, float, float, float]
    sides: Colour
    top: Colour


_DEEPRACER = (
    _Slab((-0.125, 0.125, 0.05, 0.028), (-0.125, 0.125, 0.05, 0.06), _TRIM, _TRIM),
    _Slab((-0.155, 0.164, 0.078, 0.055), (-0.158, 0.150, 0.088, 0.088), _PAINT, _PAINT),
    _Slab((-0.158, 0.150, 0.088, 0.088), (-0.148, 0.118, 0.072, 0.110), _PAINT, _PAINT),
    _Slab((-0.132, 0.068, 0.068, 0.110), (-0.098, 0.010, 0.050, 0.158), _GLASS, _PAINT),
    _Slab((0.098, 0.134, 0.042, 0.108), (0.102, 0.134, 0.040, 0.140), _TRIM, _TRIM),
)
_DEEPRACER_MARKS = (  # x, y, z of a rectangle's corners: a stripe, lamps in front and behind
    (((0.112, 0.05, 0.1105), (0.112, 0.075, 0.1075), (0.148, 0.08, 0.0905), (0.148, 0.055, 0.0905)), _LAMP),
    (
        ((0.112, -0.075, 0.1075), (0.112, -0.05, 0.1105), (0.148, -0.055, 0.0905), (0.148, -0.08, 0.0905)),
        _LAMP,
    ),
    (((-0.1585, 0.08, 0.07), (-0.1585, 0.045, 0.07), (-0.1595, 0.045, 0.084), (-0.1595, 0.08, 0.084)), _TAIL),
    (
        ((-0.1585, -0.045, 0.07), (-0.1585, -0.08, 0.07), (-0.1595, -0.08, 0.084), (-0.1595, -0.045, 0.084)),
        _TAIL,
    ),
)
_F1 = (
    _Slab((-0.13, 0.10, 0.062, 0.022), (-0.13, 0.08, 0.058, 0.034), _TRIM, _TRIM),
    _Slab((-0.15, 0.02, 0.052, 0.034), (-0.155, 0.0, 0.036, 0.082), _PAINT, _PAINT),
    _Slab((0.0, 0.165, 0.034, 0.036), (0.0, 0.172, 0.016, 0.070), _PAINT, _PAINT),
    _Slab((-0.03, 0.05, 0.026, 0.070), (-0.02, 0.03, 0.018, 0.092), _GLASS, _TRIM),
    _Slab((-0.13, -0.03, 0.022, 0.080), (-0.10, -0.045, 0.012, 0.118), _PAINT, _PAINT),
    _Slab((0.138, 0.182, 0.092, 0.022), (0.142, 0.178, 0.092, 0.032), _PAINT, _TRIM),
    _Slab((-0.168, -0.128, 0.074, 0.116), (-0.166, -0.128, 0.074, 0.130), _PAINT, _PAINT),
    _Slab((-0.152, -0.144, 0.012, 0.070), (-0.152, -0.144, 0.012, 0.116), _TRIM, _TRIM),
)
_F1_WHEELS = ((0.105, 0.078), (0.105, -0.078), (-0.105, 0.078), (-0.105, -0.078))


def car_faces(car: SceneCar) -> Faces:
    """The faces of a car, and its shadow."""
    shape = _painted(car.shell.startswith("f1_") and car.shell in SIMAPP_SHELLS, _colour(car.color))
    return _placed(shape, (car.x_m, car.y_m, car.heading_rad), (1.0, 1.0, 1.0), _CAR_HEIGHT_M * 0.6)


def box_faces(box: LiveBox) -> Faces:
    """The faces of an object, and its shadow."""
    pose = (box.x_m, box.y_m, box.heading_rad)
    if box.is_car:
        scale = (box.length_m / CAR_LENGTH_M, box.width_m / CAR_WIDTH_M, max(box.height_m / 0.23, 0.2))
        return _placed(_painted(False, _car_colour(box.grey)), pose, scale, _CAR_HEIGHT_M * 0.6)
    size = (box.length_m, box.width_m, box.height_m)
    return _placed(_box(_box_colour(box.grey)), pose, size, box.height_m)


def joined(parts: Iterable[Faces]) -> Faces:
    """All of them as one."""
    return Faces(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def car_colour(box: LiveBox) -> RGB:
    """The colour of an object, as far as its grey tells."""
    return _car_colour(box.grey) if box.is_car else _box_colour(box.grey)


def _colour(name: str) -> RGB:
    return COLOURS.get(name, COLOURS["Black"])


def _car_colour(shade: int) -> RGB:
    """The colour of a bot car: boxes only have a grey."""
    return next((rgb for rgb in COLOURS.values() if grey(rgb) == shade), (shade, shade, shade))


def _box_colour(shade: int) -> RGB:
    known = next((kind.colour for kind in OBSTACLES.values() if grey(kind.colour) == shade), None)
    if known is not None:
        return known
    red, green, blue = (min(round(channel * shade / grey(_CARDBOARD)), 255) for channel in _CARDBOARD)
    return red, green, blue


def _placed(shape: Shape, pose: tuple[float, float, float], scale: Colour, tall_m: float) -> Faces:
    x_m, y_m, heading_rad = pose
    sin, cos = math.sin(heading_rad), math.cos(heading_rad)
    local = shape.corners * scale
    turned = local.copy()
    turned[..., 0] = x_m + local[..., 0] * cos - local[..., 1] * sin
    turned[..., 1] = y_m + local[..., 0] * sin + local[..., 1] * cos
    faces = len(shape.corner_count)
    lit = Faces(turned, shape.corner_count, shape.colour, np.ones(faces), np.full(faces, LIT))
    return joined([_shadow(turned, tall_m), lit])


def _shadow(corners: Array, tall_m: float) -> Faces:
    """Two soft rectangles on the ground, as large as what stands there, away from the sun."""
    flat = corners[..., :2].reshape(-1, 2)
    middle, around = flat.mean(axis=0), flat - flat.mean(axis=0)
    _, _, axes = np.linalg.svd(around, full_matrices=False)
    half = np.abs(around @ axes.T).max(axis=0)
    ring = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (1 if np.linalg.det(axes) > 0 else -1)
    out = np.zeros((2, MOST_CORNERS, 3))
    for number, share in enumerate((1.0, 0.5)):
        shift = np.array(_FALLS) * tall_m * share
        corner = middle + shift + (ring * half * (0.8 + 0.2 * share)) @ axes
        (ax, ay), (bx, by) = corner[1] - corner[0], corner[2] - corner[0]
        area = ax * by - ay * bx
        out[number, :4, :2] = corner if area > 0 else corner[::-1]
    alpha = np.full(2, _SHADOW_ALPHA)
    return Faces(out, np.full(2, 4), np.tile(np.array(_SHADOW), (2, 1)), alpha, np.full(2, SHADOW))


@lru_cache(maxsize=32)
def _painted(is_f1: bool, colour: RGB) -> Shape:
    slabs, wheels = (_F1, _F1_WHEELS) if is_f1 else (_DEEPRACER, WHEELS_M)
    faces = [face for slab in slabs for face in _slab(slab)]
    faces += [face for place in wheels for face in _wheel(*place)]
    if not is_f1:
        faces += [(list(corners), mark) for corners, mark in _DEEPRACER_MARKS]
    return _shape([(corners, colour if paint == _PAINT else paint) for corners, paint in faces])


@lru_cache(maxsize=32)
def _box(colour: RGB) -> Shape:
    unit = _Slab((-0.5, 0.5, 0.5, 0.0), (-0.5, 0.5, 0.5, 1.0), colour, colour)
    return _shape(_slab(unit))


Face = tuple[list[tuple[float, float, float]], Colour]


def _slab(slab: _Slab) -> list[Face]:
    """Four sides and the top, counterclockwise from outside."""
    low, high = (_rectangle(*ring) for ring in (slab.low, slab.high))
    sides = [([low[n], low[(n + 1) % 4], high[(n + 1) % 4], high[n]], slab.sides) for n in range(4)]
    return [*sides, (high, slab.top)]


def _rectangle(back: float, front: float, half: float, z: float) -> list[tuple[float, float, float]]:
    return [(front, half, z), (back, half, z), (back, -half, z), (front, -half, z)]


def _wheel(x_m: float, y_m: float) -> list[Face]:
    """An octagon with its tread, and a rim on the outer side."""
    out = math.copysign(1.0, y_m)
    turns = [math.pi / 4 * (n + 0.5) for n in range(8)]
    ring = [(math.cos(turn), math.sin(turn)) for turn in turns]

    def circle(radius: float, y: float) -> list[tuple[float, float, float]]:
        return [(x_m + radius * c, y, _WHEEL_RADIUS_M + radius * s) for c, s in ring]

    near, far = y_m + out * _WHEEL_WIDTH_M / 2, y_m - out * _WHEEL_WIDTH_M / 2
    outer, inner = circle(_WHEEL_RADIUS_M, near), circle(_WHEEL_RADIUS_M, far)
    tread = [[outer[n], outer[(n + 1) % 8], inner[(n + 1) % 8], inner[n]] for n in range(8)]
    rim = circle(_WHEEL_RADIUS_M * 0.55, near + out * 0.001)
    # Seen from the left (+y), x runs to the left: such a circle is clockwise there.
    if out > 0:
        outer, rim = outer[::-1], rim[::-1]
    else:
        inner, tread = inner[::-1], [face[::-1] for face in tread]
    return [*((face, _TYRE) for face in tread), (outer, _TYRE), (inner, _TYRE), (rim, _RIM)]


def _shape(faces: list[Face]) -> Shape:
    corners = np.zeros((len(faces), MOST_CORNERS, 3))
    for number, (face, _) in enumerate(faces):
        corners[number, : len(face)] = face
        corners[number, len(face) :] = face[-1]
    count = np.array([len(face) for face, _ in faces])
    return Shape(corners, count, np.array([colour for _, colour in faces], float))
