"""The car's cameras: grey images of road, field, walls and sky, and of the boxes on the road."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from drcli.sim.constants import STEREO_LEFT_M, CameraParams, palette_of
from drcli.sim.field import field_of
from drcli.sim.sensors.ground_raster import draw_ground
from drcli.sim.sensors.picture_styles import PictureStyles
from drcli.sim.sensors.sensor import Scene
from drcli.sim.surroundings import surroundings_of
from drcli.sim.track import Track

if TYPE_CHECKING:
    from drcli.sim.car_dynamics import CarState
    from drcli.sim.sensors.pinhole_camera import View
    from drcli.sim.sensors.styled_pinhole import StyledCamera

_CAMERA = CameraParams()


class FrontCamera:
    """Brightness from 0 to 255, rows from the top. simapp calls it FRONT_FACING_CAMERA, and formerly observation.

    LEFT_CAMERA is another name of it: simapp has a second camera, and both beside the middle, for STEREO_CAMERAS alone.
    """

    shape: ClassVar[tuple[int, ...]] = (_CAMERA.height_px, _CAMERA.width_px)
    dtype: ClassVar[npt.DTypeLike] = np.uint8

    def __init__(self, track: Track) -> None:
        from drcli.sim.sensors import box_drawing, pinhole_camera

        self._render, self._draw_boxes = pinhole_camera.render, box_drawing.draw_boxes
        self._track = track
        self._view = _view(track)

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Draw what is in front of each car."""
        self.draw(scene, scene.cars, out)

    def draw(self, scene: Scene, cars: CarState, images: npt.NDArray[np.uint8]) -> None:
        """Draw what cameras see that are on `cars` instead of those of the scene: uint8 `[K, height, width]`."""
        if scene.styles is not None:
            self._draw_styled(scene, scene.styles, cars, images)
            return
        self._render(self._view, cars, scene.seen, images)
        if scene.boxes is not None:
            self._draw_boxes(_CAMERA, scene.boxes, cars, scene.seen, images)

    def pictures(self, cars: CarState) -> npt.NDArray[np.uint8]:
        """What cars `[K]` see on the empty track, not randomised."""
        seen = np.ones(len(cars.x_m), np.bool_)
        out = np.zeros((len(seen), *self.shape), np.uint8)
        self._render(self._view, cars, seen, out)
        return out

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Columns in reverse order: the camera is in the middle of the car, and the road is painted symmetrically."""
        return seen[..., ::-1]

    def _draw_styled(
        self, scene: Scene, styles: PictureStyles, cars: CarState, images: npt.NDArray[np.uint8]
    ) -> None:
        from drcli.sim.sensors import box_drawing, styled_pinhole

        camera = _styled(self._track)
        styled_pinhole.render_styled(camera, styles, cars, scene.seen, images)
        if scene.boxes is not None:
            mounts = box_drawing.Mounts(styles.pitch_rad, styles.raise_m, styles.aside_m)
            box_drawing.draw_boxes_mounted(_CAMERA, mounts, scene.boxes, cars, scene.seen, images)
        styled_pinhole.finish_styled(camera, styles, cars, scene.seen, images)


class StereoCameras:
    """Two such images as the last axis, of the left and of the right eye, STEREO_LEFT_M beside the middle."""

    shape: ClassVar[tuple[int, ...]] = (*FrontCamera.shape, 2)
    dtype: ClassVar[npt.DTypeLike] = np.uint8

    def __init__(self, track: Track) -> None:
        self._camera = FrontCamera(track)

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Draw what is in front of each eye."""
        images = np.empty(out.shape[:-1], np.uint8)
        for eye, left_m in enumerate((STEREO_LEFT_M, -STEREO_LEFT_M)):
            self._camera.draw(scene, _beside(scene.cars, left_m), images)
            out[..., eye][scene.seen] = images[scene.seen]

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Columns in reverse order, and what the left eye saw is seen by the right one."""
        return seen[..., ::-1, ::-1]


def _beside(cars: CarState, left_m: float) -> CarState:
    """Cars that are so far to the left of these."""
    return cars._replace(
        x_m=cars.x_m - left_m * np.sin(cars.heading_rad), y_m=cars.y_m + left_m * np.cos(cars.heading_rad)
    )


@lru_cache(maxsize=16)
def _view(track: Track) -> View:
    """What the camera needs to know of a track, shared by all cameras on it."""
    from drcli.sim.sensors.pinhole_camera import view_of

    look = surroundings_of(track.name)
    ground = draw_ground(track, palette_of(track.name), grain=look.grain)
    return view_of(_CAMERA, ground, field_of(track), look)


@lru_cache(maxsize=4)
def _styled(track: Track) -> StyledCamera:
    """The same for randomised pictures."""
    from drcli.sim.sensors.styled_pinhole import styled_camera

    return styled_camera(_CAMERA, track)
