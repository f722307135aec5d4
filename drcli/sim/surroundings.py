"""What stands around the field and how light falls on it, by world: wall ring, sky, sheen, grain. No numba.

Measured on recorded pictures of reinvent_base (simapp 6); docs/simulator.md says what is a guess on other worlds.
"""

from __future__ import annotations

from typing import NamedTuple

from drcli.sim.field import WALL_HEIGHT_M


class Surroundings(NamedTuple):
    """Greys of the camera's picture, 0 … 255."""

    walls: tuple[int, int, int, int] = (28, 32, 46, 22)  # on the sides +x, +y, -x, -y of the field
    wall_height_m: float = WALL_HEIGHT_M  # 0: there is no wall
    sky: int = 215
    sheen: float = 16.4  # of the road, where the sun is mirrored exactly
    grain: float = 0.045  # standard deviation of the ground's texture in 1 cm², as a share of its grey


NO_WALLS = Surroundings((84,) * 4, 0.0, 84)

# Worlds of 2019 and 2020, which have no wall ring; by the beginning of their names.
_WITHOUT_WALLS = (
    "AWS_track",
    "AmericasGenerated",
    "Austin",
    "Bowtie_track",
    "Canada_",
    "China_",
    "FS_June2020",
    "July_2020",
    "LGSWide",
    "Mexico_",
    "Monaco",
    "New_York_",
    "Oval_track",
    "Singapore",
    "Spain_track",
    "Straight_track",
    "Tokyo_",
    "Vegas_track",
    "Virtual_May19",
    "reInvent2019_",
)


def surroundings_of(world_name: str) -> Surroundings:
    """The surroundings of a world; ours and unknown ones are as the newest are."""
    return NO_WALLS if world_name.startswith(_WITHOUT_WALLS) else Surroundings()
