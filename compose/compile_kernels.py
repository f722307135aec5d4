"""Drives two cars for two steps, so that numba compiles the whole simulator. Runs while the image is built."""

from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World

world = World(load_track("drcli_oval", None, ""), RaceSettings(), num_envs=2)
world.reset()
for _ in range(2):
    world.step([(0.0, 1.0), (0.0, 1.0)])
