"""The objects on a car's road, from a running world."""

from __future__ import annotations

import math

from drcli.sim.boxes import Boxes
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.watch.scene import SceneBox


def boxes_around(world: World | Worlds, car: int) -> tuple[float, tuple[SceneBox, ...]]:
    """The car's simulated clock (s), and the objects that are placed on its road. An evaluation has one world."""
    if isinstance(world, Worlds):
        return 0.0, ()
    clock_s, boxes = float(world.referee.counts.clock_s[car]), world.race.boxes
    if boxes is None:
        return clock_s, ()
    placed = [m for m in range(boxes.x_m.shape[1]) if math.isfinite(boxes.x_m[car, m])]
    return clock_s, tuple(_box(boxes, car, m) for m in placed)


def _box(boxes: Boxes, car: int, m: int) -> SceneBox:
    x_m, y_m, heading_rad, length_m, width_m, height_m, shade, is_car = (
        column[car, m].item() for column in boxes
    )
    return SceneBox(x_m, y_m, heading_rad, length_m, width_m, height_m, shade, is_car)
