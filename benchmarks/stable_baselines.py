"""Learning curves of our PPO and SAC against Stable-Baselines3: same task, sizes of networks, steps, hyperparameters.

    python -m benchmarks stable_baselines [--sees road|picture] [--seeds 3] [--steps 4096] [--svg FILE]

`road`: the curve of the road instead of a picture, and small networks: minutes for all. `picture`: the shallow network.
Needs the dependency group `bench`.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.learning_curves import CAMERA, Point, Task, learn
from drcli.config.hyperparameters import Hyperparameters

PPO = Hyperparameters(
    batch_size=32, num_epochs=4, lr=7e-4, discount_factor=0.97, num_steps_between_training=256
)
SAC = Hyperparameters(
    batch_size=64, lr=1e-3, discount_factor=0.97, sac_alpha=0.1, sac_updates_per_step=0.5,
    num_steps_between_training=64, sac_replay_size=20_000,
)  # fmt: skip
TASKS = {
    "road": Task(sensor="ROAD_AHEAD", steps=1536, every=256, trials=3),
    "picture": Task(sensor=CAMERA, steps=3072),
}


class Learner(NamedTuple):
    """Who learns, and its hyperparameters."""

    name: str
    algorithm: str
    hyperparameters: Hyperparameters
    is_ours: bool


LEARNERS = (
    Learner("drcli PPO", "clipped_ppo", PPO, True),
    Learner("SB3 PPO", "clipped_ppo", PPO, False),
    Learner("drcli SAC", "sac", SAC, True),
    Learner("SB3 SAC", "sac", SAC, False),
)


def curve(learner: Learner, task: Task, seed: int) -> Iterator[Point]:
    if learner.is_ours:
        return learn(task, learner.algorithm, learner.hyperparameters, seed)
    from benchmarks.baselines_learner import learn as learn_theirs

    return learn_theirs(task, learner.algorithm, learner.hyperparameters, seed)


def middle(curves: list[list[Point]]) -> list[Point]:
    """The median of each figure over the seeds, point by point."""
    return [
        Point(*(median(column) for column in zip(*points, strict=True)))
        for points in zip(*curves, strict=True)
    ]


def report(curves: dict[str, list[Point]], task: Task, seeds: int) -> None:
    print(f"\nProgress of {task.trials} greedy episodes in percent, median of {seeds} seeds:\n")
    print(f"| steps | {' | '.join(curves)} |")
    print("|---|" + "---|" * len(curves))
    for row in zip(*curves.values(), strict=True):
        print(f"| {row[0].steps:,.0f} | " + " | ".join(f"{each.progress_pct:.0f}" for each in row) + " |")
    mean = " | ".join(f"{sum(p.progress_pct for p in curve) / len(curve):.0f}" for curve in curves.values())
    print(f"| mean of the curve | {mean} |")
    print(
        "| CPU time of learning | "
        + " | ".join(f"{curve[-1].cpu_s:.0f} s" for curve in curves.values())
        + " |"
    )


def draw(curves: dict[str, list[Point]], path: Path, title: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "drcli"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.8))
    for name, points in curves.items():
        ours, colour = name.startswith("drcli"), "tab:blue" if "PPO" in name else "tab:orange"
        steps, progress = [0, *(p.steps for p in points)], [0, *(p.progress_pct for p in points)]
        axes.plot(steps, progress, "-" if ours else "--", color=colour, label=name)
    axes.set(xlabel="steps of all cars", ylabel="progress of greedy episodes, %", ylim=(0, 103), title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sees", choices=TASKS, default="road")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--only", action="append", choices=[learner.name for learner in LEARNERS])
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    if importlib.util.find_spec("stable_baselines3") is None:
        print("skipped: stable-baselines3 is not installed (pip install --group bench)")
        return
    torch.set_num_threads(1)
    task = TASKS[options.sees]
    task = replace(task, steps=options.steps or task.steps)
    found: dict[str, list[Point]] = {}
    for learner in LEARNERS:
        if options.only and learner.name not in options.only:
            continue
        runs = []
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            runs.append([])
            for point in curve(learner, task, seed):
                runs[-1].append(point)
                print(f"{learner.name}, seed {seed}: {point}", file=sys.stderr, flush=True)
        found[learner.name] = middle(runs)
    report(found, task, options.seeds)
    if options.svg:
        draw(found, options.svg, f"{task.track}, sees the {options.sees}, median of {options.seeds} seeds")


if __name__ == "__main__":
    main()
