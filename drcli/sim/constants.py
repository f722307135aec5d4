"""Physics constants of the simulator with their units; NamedTuples, so that numba kernels accept them.

Sources: the car's URDF, the camera plugin, the meshes and the rules of the community's deepracer-simapp;
what traces show (lags, effective wheelbase, grip) is fitted to a real job, see docs/simulator.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

STEPS_PER_SECOND = 15
STEP_S = 1.0 / STEPS_PER_SECOND
TICKS_PER_STEP = 4  # the wheel controllers of simapp 6 run at 60 Hz

MAX_STEERING_DEG = 30.0
MIN_SPEED_MPS, MAX_SPEED_MPS = 0.1, 4.0

NOSE_M = 0.14  # the "model point" of all reward parameters: ahead of the car's origin
WHEELS_M = ((0.082311, 0.079601), (0.082311, -0.079601), (-0.081663, 0.08105), (-0.081663, -0.08105))

IMMOBILE_M = 0.0003  # per step
IMMOBILE_STEPS = 15
MAX_STEPS = 100_000  # of an episode


class CarParams(NamedTuple):
    """A bicycle that slips, behind lags; `drcli.sim.car_generations` has the cars. The defaults are the newest one."""

    latency_ticks: int = 0  # quarters of a step, until a new command reaches the wheels
    speed_gain: float = 1.0  # speed on the road over commanded speed
    accelerate_s: float = 0.169  # time constants
    brake_s: float = 0.11
    steer_s: float = 0.153
    yaw_s: float = 0.056  # how far the car's turning is behind its wheels'
    wheelbase_m: float = 0.223  # effective: without Ackermann and with slip it is longer than the car's 0.164
    understeer_s2pm: float = 0.0  # how much longer it acts per (m/s)²
    pivot_m: float = 0.082  # the rear axle behind the car's origin: it moves straight ahead at low speed
    drift_s2pm: float = 0.0087  # how much nearer that point is per (m/s)²: at speed the tail slides outwards
    grip_mps2: float = 7.8  # lateral acceleration at which the car slides


class CameraParams(NamedTuple):
    """A pinhole camera without roll: 640 x 480 in the URDF, scaled to the image the network sees.

    Pitch and height: fit to recorded pictures of simapp 6, docs/simulator.md.
    """

    width_px: int = 160
    height_px: int = 120
    horizontal_fov_rad: float = 1.13
    pitch_rad: float = 0.2365  # down, 13.55°
    forward_m: float = 0.14529  # from the car's origin
    height_m: float = 0.1318

    @property
    def focal_px(self) -> float:
        """Focal length in pixels of the small image."""
        return self.width_px / 2 / math.tan(self.horizontal_fov_rad / 2)


STEREO_LEFT_M = 0.03  # of the left eye of STEREO_CAMERAS from the car's middle; the right one is opposite


class LidarParams(NamedTuple):
    """The lidar of the URDF. It looks backwards: its rays, from right to left, leave out 60° in front of the car."""

    rays: int = 64
    half_view_rad: float = 2.61799  # to both sides of the middle ray, which points to the rear
    forward_m: float = 0.02913  # from the car's origin
    height_m: float = 0.1847
    nearest_m: float = 0.15
    farthest_m: float = 12.0  # beyond it a ray comes back from nothing
    resolution_m: float = 0.01
    noise_m: float = 0.01  # standard deviation
    scans_per_s: int = 10


RGB = tuple[int, int, int]


class Palette(NamedTuple):
    """Average colours of the meshes of a world; those of reinvent_base as recorded, in Gazebo's light."""

    road: RGB = (64, 63, 61)
    edge: RGB = (223, 223, 222)
    dash: RGB = (225, 143, 0)
    field: RGB = (126, 133, 65)


PALETTES = {  # by prefix of the world's name; all others share the default palette
    "reinvent_base": Palette((40, 53, 64), (198, 197, 181), (194, 122, 34), (96, 135, 99)),
    "reinvent_carpet": Palette((50, 50, 50), (194, 194, 190), (194, 117, 0), (50, 50, 50)),
    "reinvent_concrete": Palette((116, 110, 107), (194, 194, 190), (194, 117, 0), (116, 110, 107)),
    "reinvent_wood": Palette((110, 71, 41), (194, 194, 190), (194, 117, 0), (110, 71, 41)),
}

EDGE_LINE_M = 0.0762  # white strip, inside the border
DASH_WIDTH_M, DASH_LENGTH_M, DASH_PERIOD_M = 0.0254, 0.0508, 0.1016


def palette_of(world_name: str) -> Palette:
    """The colours of a world."""
    return next((p for start, p in PALETTES.items() if world_name.startswith(start)), Palette())


def grey(rgb: RGB) -> int:
    """Luma as simapp's observation sees it, truncated (ITU-R 601 weights)."""
    red, green, blue = rgb
    return int(0.2989 * red + 0.5870 * green + 0.1140 * blue)
