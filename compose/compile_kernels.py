"""Drives cars in every race, with every sensor, and paints pictures of them: numba compiles the whole simulator and the
painter of live pictures. Runs while the image is built.

What is missing here every new container compiles before it drives: on a slow machine for longer than Docker waits.
"""

from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.tables import PRIVILEGED_SENSORS, RACES, SENSORS
from drcli.watch.pictures.rehearsal import rehearse

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
