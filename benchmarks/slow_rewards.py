"""Slow reward functions in one process and in several: steps per second, and the share of what the cores could do.

    python benchmarks/slow_rewards.py [--ms 1] [--processes 2] [--cars 16] [--seconds 3]

Wall-clock figures mean little on a machine that is not alone. The share is computed from CPU time: what one process
needs for a step, divided by the number of processes, over what a step has to wait for with several: the process that
works longest, and the world itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import NamedTuple

REPEATS = 3
REWARD = """
def reward_function(params):
    total = 0.0
    for number in range(ROUNDS):
        total += number * 0.5
    return params["progress"] + 0.0 * total
"""


class Measured(NamedTuple):
    """Per car step: seconds by the clock, and of CPU time until the step is done."""

    wall_s: float
    cpu_s: float


def function_of(ms: float) -> str:
    """A function whose call takes about that much CPU time."""
    space: dict = {}
    exec(REWARD.replace("ROUNDS", "20000"), space)
    times = []
    for _ in range(20):
        begun = time.process_time()
        space["reward_function"]({"progress": 1.0})
        times.append(time.process_time() - begun)
    return REWARD.replace("ROUNDS", str(int(20000 * ms / 1000 / min(times))))


def measured(source: str, processes: int, cars: int, seconds: float) -> Measured:
    """A world without pictures whose function may use that many processes."""
    import numpy as np
    import psutil

    from drcli.config.race_settings import RaceSettings
    from drcli.sim.catalogue import load_track
    from drcli.sim.reward import RewardFunction
    from drcli.sim.world import World

    reward = RewardFunction(source, "reward_function.py", processes=processes)
    world = World(
        load_track("drcli_oval", None, ""), RaceSettings(), cars, sensors=(), reward=reward, record=False
    )
    world.reset()
    actions = np.tile([0.0, 1.0], (cars, 1))
    for _ in range(3):
        world.step(actions)
    pids = world._rewards.chosen._pool.pids if processes > 1 else ()
    helpers = [psutil.Process(pid) for pid in pids]

    def cpu_s() -> list[float]:
        return [time.process_time(), *(sum(helper.cpu_times()[:2]) for helper in helpers)]

    steps, before, begun = 0, cpu_s(), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        world.step(actions)
        steps += cars
    own, *others = (now - then for now, then in zip(cpu_s(), before, strict=True))
    return Measured((time.perf_counter() - begun) / steps, (own + max(others, default=0.0)) / steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ms", type=float, action="append", help="of a call, may be repeated; 0.5, 1 and 2")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cars", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0, help="per measurement")
    options = parser.parse_args()
    print(f"{options.cars} cars, {options.processes} processes, medians of {REPEATS}\n")
    print(
        "| a call | steps/s with one process | with several | times faster | share of the ideal, by CPU time |"
    )
    print("|---|---|---|---|---|")
    for ms in options.ms or [0.5, 1.0, 2.0]:
        source = function_of(ms)
        pairs = [
            [measured(source, number, options.cars, options.seconds) for number in (1, options.processes)]
            for _ in range(REPEATS)
        ]
        one, several = (1 / statistics.median(pair[i].wall_s for pair in pairs) for i in (0, 1))
        times = statistics.median(alone.wall_s / divided.wall_s for alone, divided in pairs)
        share = statistics.median(alone.cpu_s / options.processes / divided.cpu_s for alone, divided in pairs)
        print(f"| {ms:g} ms | {one:,.0f} | {several:,.0f} | {times:.2f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
