"""What can be on the road: how large it looks, how large it is for a collision, and its colour.

Sizes, rectangles and the box's colour are those of the community's simapp (its meshes, and track_geom/track_data.py);
it gives no colours of the other boxes as numbers, so those are ours.
"""

from __future__ import annotations

from typing import NamedTuple

from drcli.config.car_looks import COLOURS
from drcli.sim.constants import RGB

CAR_LENGTH_M, CAR_WIDTH_M = 0.32352, 0.1961  # of every car's rectangle, centred on its origin


class ObjectKind(NamedTuple):
    """One kind of object. Its rectangle for collisions has the same centre and heading."""

    length_m: float
    width_m: float
    height_m: float
    hit_length_m: float
    hit_width_m: float
    colour: RGB
    is_car: bool = False


# Every box is hit where the community's engine says: in 0.5 m along its heading by 0.4 m, whatever its mesh.
OBSTACLES = {  # by OBSTACLE_TYPE
    "box_obstacle": ObjectKind(0.4, 0.3, 0.25, 0.5, 0.4, (123, 97, 79)),
    "deepracer_box": ObjectKind(0.36, 0.265, 0.24, 0.5, 0.4, (52, 58, 70)),
    "amazon_box": ObjectKind(0.4, 0.3, 0.25, 0.5, 0.4, (178, 140, 98)),
}


def car_of(colour: str) -> ObjectKind:
    """A car of a colour by its name in CAR_COLOR."""
    return ObjectKind(
        CAR_LENGTH_M, CAR_WIDTH_M, 0.23, CAR_LENGTH_M, CAR_WIDTH_M, COLOURS[colour], is_car=True
    )
