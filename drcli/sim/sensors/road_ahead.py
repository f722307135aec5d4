"""The road ahead in exact numbers: of all that a simulator knows, the part that a single picture shows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drcli.sim.sensors.sensor import Scene
from drcli.sim.track import Track

AHEAD_M = (0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0)  # along the centre line
_MIRROR = np.array([-1, -1, 1, 1] + [1, -1] * len(AHEAD_M), np.float32)


class RoadAhead:
    """Where the car's nose is on the road and where the centre line leads, in driving direction.

    In order: offset from the centre line as a share of half the width (+ is left); sine and cosine of the angle from
    the car to the centre line; half the width (m); then x and y (m, in the car's frame: ahead, left) of the points of
    the centre line that are AHEAD_M further. At the end of an open road these are its last point.
    """

    shape: ClassVar[tuple[int, ...]] = (4 + 2 * len(AHEAD_M),)
    dtype: ClassVar[npt.DTypeLike] = np.float32

    def __init__(self, track: Track) -> None:
        from drcli.sim.geometry import road_of
        from drcli.sim.sensors.road_ahead_kernel import look_ahead

        self._look_ahead = look_ahead
        self._road, self._ahead_m = road_of(track), np.array(AHEAD_M)

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write the numbers of the cars that see."""
        self._look_ahead(self._road, self._ahead_m, scene.at.block, scene.is_reversed, scene.seen, out)

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The nose on the other side of a road that turns the other way."""
        return seen * _MIRROR
