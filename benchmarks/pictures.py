"""How fast the front camera draws, clean and randomised, against another commit: side by side, by turns, in one run.

`python -m benchmarks pictures [--before COMMIT]`. CPU time; the best of all repeats, and the median of the ratios of
turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS, CARS = 5, 64
BEFORE = "d84ccb5"  # without walls, sky and the sun on the road
MEASURE = """
import sys, time
import numpy as np
from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World

cars = int(sys.argv[1])
for is_randomised in (False, True):
    world = World(load_track("drcli_harbour", None, ""), RaceSettings(randomised_pictures=is_randomised), cars)
    world.reset()
    seen = np.ones(cars, np.bool_)
    best = float("inf")
    for _ in range(40):
        begun = time.process_time()
        for _ in range(8):
            world._look(seen)
        best = min(best, (time.process_time() - begun) / 8 / cars)
    print(best * 1e6)
"""


def microseconds(folder: Path) -> tuple[float, float]:
    """Of a clean and a randomised picture, as the code in `folder` draws them."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(CARS)],
        env=os.environ | {"PYTHONPATH": str(folder)}, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    clean, random = map(float, run.stdout.split())
    return clean, random


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", default=BEFORE, help="a commit of this repository")
    options = parser.parse_args()
    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as other:
        subprocess.run(["git", "clone", "-q", str(here), other], check=True)
        subprocess.run(["git", "-C", other, "checkout", "-q", options.before], check=True)
        turns = [(microseconds(Path(other)), microseconds(here)) for _ in range(TURNS)]
    print("| pictures | before | now | rate now / before |\n|---|---|---|---|")
    for number, name in enumerate(("clean", "randomised")):
        before, now = ([turn[side][number] for turn in turns] for side in (0, 1))
        ratio = statistics.median(a / b for a, b in zip(before, now, strict=True))
        print(f"| {name} | {min(before):.1f} µs | {min(now):.1f} µs | {ratio:.2f} |")


if __name__ == "__main__":
    main()
