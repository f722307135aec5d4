"""The car's own motion: what a single picture cannot show."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drcli.sim.sensors.sensor import Scene
from drcli.sim.track import Track


class CarMotion:
    """Speed (m/s) and steering (rad, + is left) of the wheels, then the last commands of both."""

    shape: ClassVar[tuple[int, ...]] = (4,)
    dtype: ClassVar[npt.DTypeLike] = np.float32

    def __init__(self, track: Track) -> None:
        """The same on every track."""

    def fill(self, scene: Scene, out: npt.NDArray[Any]) -> None:
        """Write the numbers of the cars that see."""
        cars, seen = scene.cars, scene.seen
        parts = cars.speed_mps, cars.steering_rad, cars.speed_command_mps, cars.steering_command_rad
        out[seen] = np.stack(parts, -1)[seen]

    @staticmethod
    def mirrored(seen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Steers the other way."""
        return seen * np.array([1, -1, 1, -1], np.float32)
