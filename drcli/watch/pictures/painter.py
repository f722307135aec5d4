"""Pictures of a scene in colour: from the car's own camera, from behind the car, and of the whole track from above.

Used by the live cameras of a run and by videos. The camera's geometry is the sensor's (`drcli.sim.sensors`).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drcli.errors import UsageError
from drcli.sim.constants import CameraParams
from drcli.sim.track import Track
from drcli.watch.pictures.car_shapes import box_faces, car_faces, joined
from drcli.watch.pictures.colour_ground import colour_ground, sky_of, walls_of
from drcli.watch.pictures.painting_kernels import Eye, paint_faces, paint_ground
from drcli.watch.pictures.track_map import TrackMap
from drcli.watch.scene import Scene, SceneCar

VIEWS = ("camera", "behind", "above")
Picture = npt.NDArray[np.uint8]

_CAMERA = CameraParams()
_BEHIND_M, _BEHIND_HEIGHT_M, _BEHIND_PITCH_RAD = 1.25, 0.80, 0.42


class Painter:
    """Paints scenes on one track. Thread-safe; threads do paint side by side."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self._ground, self._sky, self._walls = colour_ground(track), sky_of(track), walls_of(track)
        self._maps: dict[tuple[int, int], TrackMap] = {}

    def paint(
        self, view: str, scene: Scene, width_px: int, height_px: int, follow_rad: float | None = None
    ) -> Picture:
        """A picture `[height_px, width_px, 3]`, red, green, blue.

        Args:
            view: one of VIEWS.
            scene: of its cars, cameras are on the watched one.
            width_px: of the picture.
            height_px: of the picture.
            follow_rad: where the view from behind looks, if not where the car does: a camera that lags is calmer.
        """
        if view not in VIEWS:
            raise UsageError(f"There is no view {view}.", f"Choose one of: {', '.join(VIEWS)}.")
        if view == "above":
            return self._map(width_px, height_px).paint(scene)
        car = scene.cars[scene.watched]
        others = [other for other in scene.cars if view == "behind" or other is not car]
        eye = (
            _own_eye(car, width_px)
            if view == "camera"
            else _following_eye(car, car.heading_rad if follow_rad is None else follow_rad, width_px)
        )
        out = np.empty((height_px, width_px, 3), np.uint8)
        paint_ground(self._ground, self._sky, eye, out)
        faces = [self._walls, *map(car_faces, others), *map(box_faces, scene.boxes)]
        paint_faces(joined(faces), eye, out)
        return out

    def _map(self, width_px: int, height_px: int) -> TrackMap:
        size = width_px, height_px
        if size not in self._maps:
            self._maps[size] = TrackMap(self.track, self._ground, *size)
        return self._maps[size]


def _own_eye(car: SceneCar, width_px: int) -> Eye:
    sin, cos = math.sin(car.heading_rad), math.cos(car.heading_rad)
    ahead_m = _CAMERA.forward_m
    return Eye(
        car.x_m + ahead_m * cos,
        car.y_m + ahead_m * sin,
        _CAMERA.height_m,
        car.heading_rad,
        _CAMERA.pitch_rad,
        _focal_px(width_px),
    )


def _following_eye(car: SceneCar, heading_rad: float, width_px: int) -> Eye:
    return Eye(
        car.x_m - _BEHIND_M * math.cos(heading_rad),
        car.y_m - _BEHIND_M * math.sin(heading_rad),
        _BEHIND_HEIGHT_M,
        heading_rad,
        _BEHIND_PITCH_RAD,
        _focal_px(width_px),
    )


def _focal_px(width_px: int) -> float:
    return _CAMERA._replace(width_px=width_px).focal_px
