"""What teachers see of the objects on the road, which is what a picture shows of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.constants import NOSE_M
from drcli.sim.sensors.objects_ahead import COUNT, RANGE_M, ObjectsAhead
from drcli.sim.track import Track
from drcli.sim.world import World

NOTHING = [0.0, RANGE_M, 0.0, 0.0, 0.0]


def look(
    track: Track, positions: list[str], pose: tuple[float, float, float], *, backwards: bool = False
) -> np.ndarray:
    """The objects that a car sees whose nose is at a pose."""
    own = {"NUMBER_OF_OBSTACLES": len(positions), "OBJECT_POSITIONS": positions}
    settings = RaceSettings(race_type="OBJECT_AVOIDANCE", own=own, reverse_dir=backwards)
    world = World(track, settings, 2, sensors=("OBJECTS_AHEAD",))
    world.reset()
    x, y, heading = pose
    put(world.cars, 1, x - NOSE_M * math.cos(heading), y - NOSE_M * math.sin(heading), heading)
    seen = world._look(np.array([False, True]))["OBJECTS_AHEAD"][1]
    return seen.reshape(COUNT, 5)


def test_the_nearest_come_first(block: Track) -> None:
    seen = look(block, ["0.2,-1", "0.1,1", "0.9,1"], (1.0, 0.1, 0.0))
    near, far = math.hypot(1.0, 0.15), math.hypot(3.0, -0.35)
    assert seen[0] == pytest.approx([1 - near / RANGE_M, 1.0, 0.15, 0.25, 0.3], abs=1e-6)
    assert far > RANGE_M and seen[1].tolist() == NOTHING, "too far"
    seen = look(block, ["0.2,-1", "0.1,1", "0.9,1"], (1.5, 0.1, 0.0))
    assert seen[1] == pytest.approx([1 - math.hypot(2.5, 0.35) / RANGE_M, 2.5, -0.35, -0.25, 0.3], abs=1e-6)


def test_beside_and_behind_is_not_in_the_picture(block: Track) -> None:
    for x in (2.1, 1.9):
        assert look(block, ["0.1,1"], (x, -0.25, 0.0)).tolist() == [NOTHING, NOTHING]
    assert look(block, ["0.1,1"], (1.0, 0.0, 1.2)).tolist() == [NOTHING, NOTHING], "the car looks elsewhere"
    assert look(block, ["0.1,1"], (1.5, -0.25, 0.0))[0, 1:3] == pytest.approx([0.5, 0.5]), (
        "a corner is enough"
    )


def test_sides_are_those_of_the_driving_direction(block: Track) -> None:
    """An obstacle on the inner lane is on the right of who drives clockwise."""
    seen = look(block, ["0.75,1"], (6.0, 0.0, math.pi), backwards=True)
    assert seen[0, 3] == pytest.approx(-0.25)
    assert seen[0, 1:3] == pytest.approx([1.0, -0.25], abs=1e-6)


def test_mirrored_is_the_other_side(block: Track) -> None:
    seen = look(block, ["0.1,1"], (1.0, 0.1, 0.1))
    mirrored = ObjectsAhead.mirrored(seen.reshape(1, -1)).reshape(COUNT, 5)
    assert mirrored[0].tolist() == [seen[0, 0], seen[0, 1], -seen[0, 2], -seen[0, 3], seen[0, 4]]
    assert mirrored[1].tolist() == NOTHING


def test_a_time_trial_shows_nothing(ring: Track) -> None:
    world = World(ring, RaceSettings(), 1, sensors=("OBJECTS_AHEAD",))
    assert world.reset()["OBJECTS_AHEAD"][0].tolist() == NOTHING * COUNT
