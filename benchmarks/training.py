"""`dr start-training` from nothing to a model that drives 5 of 5 evaluation laps, timed as a whole command.

    python benchmarks/training.py [--seeds 5]

The first row has nothing compiled: it is what a newcomer waits for. Then one run per seed with compiled kernels.
Gazebo would need the same steps at 15 a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile

from benchmarks.workspace import Workspace


def run(seed: int, environment: dict[str, str]) -> dict[str, float]:
    """Train in a fresh workspace, then evaluate: seconds, steps, completed laps, off-track resets."""
    with Workspace(seed, "pixels", environment) as folder:
        seconds = folder.train()
        progress, trials = folder.status(), folder.evaluate()
    laps = sum(trial["completion_percentage"] == 100 for trial in trials)
    resets = sum(trial["reset_count"] for trial in trials)
    return {
        "seconds": seconds,
        "steps": progress["steps"],
        "laps": laps,
        "trials": len(trials),
        "resets": resets,
    }


def row(name: str, one: dict[str, float]) -> str:
    gazebo_min = one["steps"] / 15 / 60
    faster = gazebo_min * 60 / one["seconds"]
    return (
        f"| {name} | {one['seconds']:.1f} s | {one['steps']:,} | {one['laps']} of {one['trials']} | {one['resets']} "
        f"| {gazebo_min:.1f} min | {faster:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print("| run | whole command | steps | laps | resets | the steps alone at 15/s | times faster |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        print(row("first ever, seed 1", run(1, os.environ | {"NUMBA_CACHE_DIR": cache})), flush=True)
    runs = []
    for seed in range(1, options.seeds + 1):
        runs.append(run(seed, dict(os.environ)))
        print(row(f"seed {seed}", runs[-1]), flush=True)
    median = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
    print(row("median", median))


if __name__ == "__main__":
    main()
