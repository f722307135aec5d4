"""The whole track from above, with cars and objects on it: the ground is drawn once for a size of picture."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drcli.config.car_looks import COLOURS
from drcli.sim.field import field_of
from drcli.sim.track import Track
from drcli.watch.pictures.car_shapes import car_colour
from drcli.watch.pictures.painting_kernels import Array, PackedGround, fill_polygon
from drcli.watch.scene import Scene, SceneCar

_SUPERSAMPLES = 3
_BEYOND: tuple[int, int, int] = (30, 44, 50)
_CAR = np.array([(0.62, 0.0), (0.28, 0.36), (-0.5, 0.36), (-0.5, -0.36), (0.28, -0.36)])  # of its length
_GLASS = np.array([(0.22, 0.2), (-0.02, 0.22), (-0.02, -0.22), (0.22, -0.2)])
_BOX = np.array([(0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)])
_CAR_LENGTH_M, _LEAST_CAR_PX, _LARGER = 0.324, 15.0, 1.6  # cars are larger than life, to be seen
_BRIGHT = 250  # sum of the channels
_WHITE, _INK = np.full(3, 255.0), np.full(3, 20.0)


class TrackMap:
    """A map of one size."""

    def __init__(self, track: Track, ground: PackedGround, width_px: int, height_px: int) -> None:
        field = field_of(track)
        span_x, span_y = field.x_high_m - field.x_low_m, field.y_high_m - field.y_low_m
        self._pixels_per_m = min(width_px / span_x, height_px / span_y)
        self._left_m = (field.x_low_m + field.x_high_m) / 2 - width_px / 2 / self._pixels_per_m
        self._top_m = (field.y_low_m + field.y_high_m) / 2 + height_px / 2 / self._pixels_per_m
        self._car_px = max(_CAR_LENGTH_M * _LARGER * self._pixels_per_m, _LEAST_CAR_PX)
        self._empty = self._drawn(track, ground, width_px, height_px)

    def paint(self, scene: Scene) -> npt.NDArray[np.uint8]:
        """The scene from above; the watched car has a white outline and is on top."""
        out = self._empty.copy()
        for box in scene.boxes:
            size = np.array([box.length_m, box.width_m]) * self._pixels_per_m
            outline, colour = (
                (_CAR * self._car_px, car_colour(box)) if box.is_car else (_BOX * size, car_colour(box))
            )
            self._fill(out, (box.x_m, box.y_m, box.heading_rad), outline, np.array(colour, float))
        for number in sorted(range(len(scene.cars)), key=lambda number: number == scene.watched):
            self._draw_car(out, scene.cars[number], is_watched=number == scene.watched)
        return out

    def _draw_car(self, out: npt.NDArray[np.uint8], car: SceneCar, is_watched: bool) -> None:
        pose, colour = (car.x_m, car.y_m, car.heading_rad), np.array(COLOURS.get(car.color, COLOURS["Black"]))
        self._fill(out, pose, _CAR * (self._car_px + 4.0), _WHITE if is_watched else _INK)
        self._fill(out, pose, _CAR * self._car_px, colour.astype(float))
        self._fill(out, pose, _GLASS * self._car_px, _INK if colour.sum() > _BRIGHT else _WHITE)

    def at(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Column and row of a place."""
        return (x_m - self._left_m) * self._pixels_per_m, (self._top_m - y_m) * self._pixels_per_m

    def _fill(
        self, out: npt.NDArray[np.uint8], pose: tuple[float, float, float], outline: Array, colour: Array
    ) -> None:
        x_m, y_m, heading_rad = pose
        sin, cos = math.sin(heading_rad), math.cos(heading_rad)
        column, row = self.at(x_m, y_m)
        ahead, left = outline.T
        points = np.stack([column + ahead * cos - left * sin, row - ahead * sin - left * cos], axis=1)
        fill_polygon(points, colour, 1.0, out)

    def _drawn(
        self, track: Track, ground: PackedGround, width_px: int, height_px: int
    ) -> npt.NDArray[np.uint8]:
        """The ground at the level nearest to a sample, several samples per pixel; dark beyond the field."""
        samples_px = self._pixels_per_m * _SUPERSAMPLES
        level = int(np.clip(round(math.log2(1.0 / samples_px / ground.pixel_m)), 0, len(ground.first) - 1))
        columns, rows, first = (int(part[level]) for part in (ground.columns, ground.rows, ground.first))
        x_m = self._left_m + (np.arange(width_px * _SUPERSAMPLES) + 0.5) / samples_px
        y_m = self._top_m - (np.arange(height_px * _SUPERSAMPLES) + 0.5) / samples_px
        pixel_m = ground.pixel_m * (1 << level)
        column = np.clip(((x_m - ground.x_m) / pixel_m).astype(int), 0, columns - 1)
        row = np.clip(((y_m - ground.y_m) / pixel_m).astype(int), 0, rows - 1)
        packed = ground.pixels[first + row[:, None] * columns + column]
        picture = np.stack([packed & 255, (packed >> 16) & 255, packed >> 32], axis=-1)
        field = field_of(track)
        inside_x, inside_y = (
            (x_m > field.x_low_m) & (x_m < field.x_high_m),
            (y_m > field.y_low_m) & (y_m < field.y_high_m),
        )
        picture[~(inside_y[:, None] & inside_x)] = _BEYOND
        shape = height_px, _SUPERSAMPLES, width_px, _SUPERSAMPLES, 3
        return np.asarray(np.rint(picture.reshape(shape).mean(axis=(1, 3))), np.uint8)
