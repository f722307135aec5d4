"""Drives a car for two steps, which has numba compile all of the simulator; run while the image is built."""

from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World

world = World(load_track("drcli_oval", None, ""), RaceSettings(), num_envs=2)
world.reset()
for _ in range(2):
    world.step([(0.0, 1.0), (0.0, 1.0)])
