"""What sensors show of a world in the mirror is what they show there, mirrored."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.config.model_metadata import LidarConfig
from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.catalogue import load_track
from drcli.sim.sensors.sensor import Observations, sensor_spec, sensor_type
from drcli.sim.track import Track
from drcli.sim.world import World

CAMERA, STEREO = "FRONT_FACING_CAMERA", "STEREO_CAMERAS"
LIDAR = sensor_spec(
    "DISCRETIZED_SECTOR_LIDAR", LidarConfig(num_sectors=16, num_values_per_sector=6, clipping_dist=12)
)
SENSORS = (CAMERA, STEREO, LIDAR, "ROAD_AHEAD", "CAR_MOTION")
PLACES = np.linspace(0, 1, 12, endpoint=False)


def drive(track: Track, side: int) -> Observations:
    """Cars all along the track, somewhat to the left of the centre line and askew, or in the mirror (`side` -1)."""
    world = World(track, RaceSettings(), len(PLACES), sensors=SENSORS, record=False)
    world.reset()
    for car, place in enumerate(PLACES):
        x_m, y_m, heading_rad = track.pose_at(place)
        put(world.cars, car, x_m, y_m + side * 0.1, heading_rad + side * 0.2)
    for _ in range(2):
        seen = world.step([[side * 10.0, 1.0]] * len(PLACES)).obs
    return seen


@pytest.fixture(scope="module")
def both() -> tuple[Observations, Observations]:
    track = load_track("drcli_harbour", None, "")
    mirror = Track.from_rows("drcli_harbour", track.rows * np.array([1, -1] * 3))
    return drive(track, 1), drive(mirror, -1)


@pytest.mark.parametrize("name", ["ROAD_AHEAD", "CAR_MOTION"])
def test_numbers_change_their_sides(both: tuple[Observations, Observations], name: str) -> None:
    here, there = both
    kind = sensor_type(sensor_spec(name))
    np.testing.assert_allclose(kind.mirrored(here[name]), there[name], atol=1e-4)
    assert not np.allclose(here[name], there[name], atol=0.05)


def test_sectors_change_their_sides(both: tuple[Observations, Observations]) -> None:
    """Up to a few that noise puts into the next range."""
    here, there = (seen[LIDAR.name] for seen in both)
    assert (sensor_type(LIDAR).mirrored(here) != there).mean() < 0.02
    assert (here != there).mean() > 0.05


@pytest.mark.parametrize("name", [CAMERA, STEREO])
def test_pictures_are_reversed(both: tuple[Observations, Observations], name: str) -> None:
    """Up to single pixels at the edges of what is painted on the road."""
    here, there = (seen[name].astype(int) for seen in both)
    is_other = abs(sensor_type(sensor_spec(name)).mirrored(here) - there) > 40
    assert is_other.mean() < 0.01
    assert (abs(here - there) > 40).mean() > 0.1
