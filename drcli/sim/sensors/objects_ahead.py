"""What is on the road ahead, in exact numbers: of all that a simulator knows, the part that a single picture shows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drcli.sim.sensors.sensor import Scene
from drcli.sim.track import Track

COUNT, RANGE_M = 2, 3.0
_NOTHING = np.array([0.0, RANGE_M, 0.0, 0.0, 0.0] * COUNT, np.float32)
_MIRROR = np.array([1, 1, -1, -1, 1] * COUNT, np.float32)


class ObjectsAhead:
    """The COUNT nearest objects that are in the camera's field of view, within RANGE_M of the nose, nearest first.

    Of each, in order: how near it is, 1 at the nose down to 0 at RANGE_M; x and y of its centre (m, in the car's frame:
    ahead, left); its offset from the centre line (m, + is left in driving direction); its width (m). Without an object:
    0, RANGE_M, 0, 0, 0. Speeds are not among them: a picture does not show them.
    """

    shape: ClassVar[tuple[int, ...]] = (len(_NOTHING),)
    dtype: ClassVar[npt.DTypeLike] = np.float32

    def __init__(self, track: Track) -> None:
        from drcli.sim.geometry import road_of
        from drcli.sim.sensors.objects_ahead_kernel import look_for_objects

        self._look = look_for_objects
        self._road = road_of(track)

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write the numbers of the cars that see."""
        out[scene.seen] = _NOTHING
        if scene.boxes is not None:
            self._look(self._road, RANGE_M, scene.cars, scene.boxes, scene.is_reversed, scene.seen, out)

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same objects on the other side."""
        return seen * _MIRROR
