"""A sensor without a picture: eight numbers about where the car is."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from drcli.sim.sensors.sensor import Scene
from drcli.sim.track import Track


class EightNumbers:
    """Position, heading, gap to the centre line, progress, and where the first box is."""

    shape: ClassVar[tuple[int, ...]] = (8,)
    dtype: ClassVar[Any] = np.float32

    def __init__(self, track: Track) -> None:
        self._length_m = track.length_m

    def fill(self, scene: Scene, out: Any) -> None:
        """Write the rows of the cars that see."""
        at, boxes = scene.at, scene.boxes
        heading = np.radians(at.heading_deg)
        box = (
            np.zeros((2, len(out))) if boxes is None else (boxes.x_m[:, 0] - at.x_m, boxes.y_m[:, 0] - at.y_m)
        )
        gap = at.distance_from_center_m * np.where(at.is_left_of_center, 1.0, -1.0)
        columns = (at.x_m, at.y_m, np.cos(heading), np.sin(heading), gap, at.progress / 100.0, *box)
        out[scene.seen] = np.stack(columns, -1)[scene.seen]
