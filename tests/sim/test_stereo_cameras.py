"""Two eyes: each is a front camera beside the middle of the car."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from drcli.config.race_settings import RaceSettings
from drcli.sim.car_dynamics import put
from drcli.sim.sensors.sensor import sensor_spec
from drcli.sim.track import Track
from drcli.sim.world import World

STEREO, CAMERA = "STEREO_CAMERAS", "FRONT_FACING_CAMERA"
X_M, Y_M, HEADING_RAD = 2.9, 0.2, 0.4
OFF, ON = RaceSettings(), RaceSettings(randomised_pictures=True)


def seen(track: Track, sensor: str, left_m: float = 0.0, race: RaceSettings = OFF) -> npt.NDArray[np.uint8]:
    """By a car that drives straight from a place so far to the left."""
    world = World(track, race, 2, sensors=[sensor], record=False)
    world.reset()
    put(
        world.cars, 1, X_M - left_m * math.sin(HEADING_RAD), Y_M + left_m * math.cos(HEADING_RAD), HEADING_RAD
    )
    return world.step([[0.0, 1.0]] * 2).obs[sensor][1]


def test_each_eye_is_a_camera_beside_the_middle(block: Track) -> None:
    assert sensor_spec(STEREO)[:3] == (STEREO, (120, 160, 2), np.dtype(np.uint8))
    both = seen(block, STEREO)
    for eye, left_m in enumerate((0.03, -0.03)):
        alone = seen(block, CAMERA, left_m)
        assert (both[..., eye] != alone).mean() < 1e-3, "rounding"
        assert (both[..., eye] != seen(block, CAMERA)).mean() > 0.01
    assert (both[..., 0] != both[..., 1]).mean() > 0.01


def test_both_eyes_see_in_the_same_style(block: Track) -> None:
    both = seen(block, STEREO, race=ON)
    assert (both != seen(block, STEREO)).mean() > 0.5
    for eye, left_m in enumerate((0.03, -0.03)):
        assert (both[..., eye] != seen(block, CAMERA, left_m, ON)).mean() < 1e-3


def test_the_left_camera_alone_is_in_the_middle(block: Track) -> None:
    """simapp has a second camera, and both beside the middle, for STEREO_CAMERAS alone."""
    np.testing.assert_array_equal(seen(block, "LEFT_CAMERA"), seen(block, CAMERA))
