"""Where things are in a running world: the world in which a car drives, and the objects on its road."""

from __future__ import annotations

import math

from drcli.contract.live_state import LiveBox
from drcli.sim.tour import Tour
from drcli.sim.world import World
from drcli.sim.worlds import Worlds


def place_of(world: World | Worlds | Tour, car: int) -> tuple[World, int]:
    """The world where a car drives, and its index there."""
    if isinstance(world, World):
        return world, car
    if isinstance(world, Tour):
        return world.current, 0
    for inner, own in zip(world.worlds, world.cars_of, strict=True):
        if own.start <= car < own.stop:
            return place_of(inner, car - own.start)
    raise IndexError(f"no car {car}")


def boxes_around(world: World, k: int) -> tuple[LiveBox, ...]:
    """The objects that are placed on the road of car `k`."""
    boxes = world.race.boxes
    if boxes is None:
        return ()
    return tuple(
        LiveBox(*(column[k, m].item() for column in boxes))
        for m in range(boxes.x_m.shape[1])
        if math.isfinite(boxes.x_m[k, m])
    )
