"""Steps per second of `World.step`: whole, with camera, params dict, a centre-line reward, rules and trace; and bare,
without pictures and records and with a reward function that does nothing.

    python benchmarks/simulator.py [--track drcli_oval] [--seconds 2]

One process, one core; medians over 5 repeats. The first lines say what a newcomer waits for the compiler.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

REPEATS = 5
REWARD = """
def reward_function(params):
    track_width = params["track_width"]
    distance_from_center = params["distance_from_center"]
    if distance_from_center <= 0.1 * track_width:
        reward = 1.0
    elif distance_from_center <= 0.25 * track_width:
        reward = 0.5
    elif distance_from_center <= 0.5 * track_width:
        reward = 0.1
    else:
        reward = 1e-3
    return float(reward)
"""
EMPTY_REWARD = """
def reward_function(params):
    return 1.0
"""
FIRST_STEP = """
import sys, time
from simulator import world
begun = time.perf_counter()
world(sys.argv[1], 1).step([(0.0, 1.0)], [0])
print(time.perf_counter() - begun)
"""


def world(track: str, cars: int, *, bare: bool = False):
    from drcli.config.race_settings import RaceSettings
    from drcli.sim.catalogue import load_track
    from drcli.sim.reward import RewardFunction
    from drcli.sim.world import World

    reward = RewardFunction(EMPTY_REWARD if bare else REWARD, "reward_function.py")
    parts = {"sensors": (), "record": False} if bare else {}
    made = World(load_track(track, None, ""), RaceSettings(), cars, reward=reward, **parts)
    made.reset()
    return made


def first_step(track: str) -> tuple[float, float]:
    """Seconds to the end of the first step: with nothing compiled, then with compiled kernels at hand."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": os.path.dirname(__file__)}
        command = [sys.executable, "-c", FIRST_STEP, track]
        cold, warm = (
            float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
            for _ in range(2)
        )
    return cold, warm


def steps_per_second(driven, seconds: float) -> float:
    """Car steps a second of random driving, resets included."""
    import numpy as np

    cars = driven.num_envs
    rng, labels = np.random.default_rng(1), [0] * cars
    commands = [
        np.column_stack([rng.uniform(-30.0, 30.0, cars), rng.uniform(0.5, 2.0, cars)]) for _ in range(64)
    ]
    steps, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for actions in commands:
            driven.step(actions, labels)
        steps += len(commands)
    return steps * cars / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--track", default="drcli_oval")
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement")
    options = parser.parse_args()

    cold, warm = first_step(options.track)
    print(
        f"first step: {cold:.1f} s with nothing compiled, {warm:.2f} s with compiled kernels (import not included)\n"
    )
    print("| cars | | steps/s | min … max | µs per car step | real-time factor |")
    print("|---|---|---|---|---|---|")
    for cars, bare in ((1, False), (16, False), (64, False), (64, True)):
        driven = world(options.track, cars, bare=bare)
        steps_per_second(driven, 0.1)
        rates = [steps_per_second(driven, options.seconds) for _ in range(REPEATS)]
        rate = statistics.median(rates)
        what, spread = "bare" if bare else "whole", f"{min(rates):,.0f} … {max(rates):,.0f}"
        print(f"| {cars} | {what} | {rate:,.0f} | {spread} | {1e6 / rate:.1f} | {rate / 15.0:,.0f} |")


if __name__ == "__main__":
    main()
