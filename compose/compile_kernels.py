"""Drives cars in every race, with every sensor, and paints pictures of them: numba compiles the whole simulator and the
painter of live pictures and videos. Runs while the image is built.

What is missing here every new container compiles before it drives: on a slow machine for longer than Docker waits.
"""

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.tables import PRIVILEGED_SENSORS, RACES, SENSORS
from drcli.watch.pictures.rehearsal import rehearse
from drcli.watch.videos.frame_kernels import darken, to_yuv

TRACK = load_track("drcli_oval", None, "")
AT_THE_START = {
    "NUMBER_OF_OBSTACLES": 1,
    "OBJECT_POSITIONS": "0.01,1",
    "NUMBER_OF_BOT_CARS": 1,
    "MIN_DISTANCE_BETWEEN_BOT_CARS": 0.5,
}

for race_type in RACES:
    for is_random in (False, True):
        settings = RaceSettings(race_type=race_type, randomised_pictures=is_random, own=AT_THE_START)
        world = World(TRACK, settings, num_envs=2, sensors=(*SENSORS, *PRIVILEGED_SENSORS))
        world.reset()
        world.race.reward_params(world.cars, world.telemetry)  # as for a reward function
        for _ in range(2):
            world.step([(0.0, 1.0), (0.0, 1.0)])

rehearse()
frame = np.zeros((48, 64, 3), np.uint8)
darken(frame, np.full(48, 128))
to_yuv(frame, np.empty((72, 64), np.uint8))
