"""What teachers see: compared with Python's own geometry, in both directions of a loop and at the end of a road."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.constants import NOSE_M
from drcli.sim.sensors.road_ahead import AHEAD_M
from drcli.sim.track import Track
from drcli.sim.world import World

SENSORS = ("CAR_MOTION", "ROAD_AHEAD")


def look(track: Track, pose: tuple[float, float, float], *, backwards: bool = False) -> np.ndarray:
    """The road ahead of a nose at a pose."""
    world = World(track, RaceSettings(reverse_dir=backwards), 2, sensors=SENSORS)
    world.reset()
    x, y, heading = pose
    put(world.cars, 1, x - NOSE_M * math.cos(heading), y - NOSE_M * math.sin(heading), heading)
    return world._look(np.array([False, True]))["ROAD_AHEAD"][1]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("share", [1.5 / 120, 37.5 / 120, 118.5 / 120])
def test_the_points_ahead_are_those_of_the_track(ring: Track, backwards: bool, share: float) -> None:
    way = ring.reversed() if backwards else ring
    x, y, heading = way.pose_at(share)
    turned = heading + 0.3
    left = 0.1
    seen = look(
        ring, (x - left * math.sin(heading), y + left * math.cos(heading), turned), backwards=backwards
    )
    assert seen[0] == pytest.approx(left / 0.4, abs=0.01)
    assert seen[1:4] == pytest.approx([math.sin(-0.3), math.cos(0.3), 0.4], abs=0.03)
    nose = np.array([x - left * math.sin(heading), y + left * math.cos(heading)])
    for i, ahead_m in enumerate(AHEAD_M):
        point = np.array(way.pose_at(share + ahead_m / way.length_m)[:2]) - nose
        ahead = point @ [math.cos(turned), math.sin(turned)], point @ [-math.sin(turned), math.cos(turned)]
        assert seen[4 + 2 * i : 6 + 2 * i] == pytest.approx(ahead, abs=0.01)


def test_an_open_road_ends(block: Track) -> None:
    road = Track("road", block.center[:6], block.inner[:6], block.outer[:6])
    seen = look(road, (4.5, 0.0, 0.0))
    assert seen[4::2] == pytest.approx([0.2, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5], abs=1e-6)
    assert seen[5::2] == pytest.approx([0.0] * 7, abs=1e-6)


def test_motion_is_the_wheels_and_the_commands(ring: Track) -> None:
    world = World(ring, RaceSettings(), 2, sensors=SENSORS)
    assert not world.reset()["CAR_MOTION"].any()
    seen = world.step([[10.0, 2.0], [-10.0, 1.0]]).obs["CAR_MOTION"]
    assert seen[:, 2:] == pytest.approx(np.array([[2.0, math.radians(10)], [1.0, -math.radians(10)]]))
    cars = world.cars
    assert seen[:, :2] == pytest.approx(np.column_stack([cars.speed_mps, cars.steering_rad]))


def test_perturbed_starts_are_near_and_repeatable(ring: Track) -> None:
    settings = RaceSettings(perturbed_starts=True, change_start_position=False)
    worlds = [World(ring, settings, 64, seed=seed) for seed in (1, 1, 2)]
    for world in worlds:
        world.reset()
    first, same, other = ([world.cars.y_m, world.cars.heading_rad] for world in worlds)
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    x, y, heading = ring.pose_at(0.0)
    gaps = np.hypot(worlds[0].cars.x_m - x, worlds[0].cars.y_m - y)
    turns = np.abs(worlds[0].cars.heading_rad - heading)
    assert 0.12 < gaps.max() <= 0.15 and 0.12 < turns.max() <= 0.15
