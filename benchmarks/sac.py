"""SAC from pixels, continuous steering and speed: how far greedy episodes get over the steps, and laps at the end.

    python -m benchmarks sac [--track drcli_oval] [--steps 4096] [--seeds 1] [--shrink 4] [--set KEY=VALUE]...

Learning alone, without services: collecting, updates, evaluations now and then, of which only the first two count.
"""

from __future__ import annotations

import argparse
import json

import torch

from benchmarks.learning_curves import Task, learn
from drcli.config.hyperparameters import Hyperparameters

DEFAULTS = {
    "batch_size": 64, "lr": 1e-3, "discount_factor": 0.97, "sac_alpha": 0.1, "sac_updates_per_step": 0.5,
    "num_steps_between_training": 64,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--track", default=Task().track)
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--shrink",
        type=int,
        default=1,
        help="4: pictures of 30 x 40 and a small network, a twentieth of the time",
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    changes = {key: json.loads(value) for key, _, value in (text.partition("=") for text in options.changes)}
    hyperparameters = Hyperparameters.parse(json.dumps(DEFAULTS | changes), "hyperparameters")
    task = Task(track=options.track, steps=options.steps, shrink=options.shrink)
    print(f"{task.track}, {task.cars} cars, {DEFAULTS | changes}\n")
    print("| seed | steps | mean progress | laps | CPU time of learning |")
    print("|---|---|---|---|---|")
    for seed in range(1, options.seeds + 1):
        for point in learn(task, "sac", hyperparameters, seed):
            laps = f"{point.laps} of {task.trials}"
            print(
                f"| {seed} | {point.steps:,} | {point.progress_pct:.0f} % | {laps} | {point.cpu_s:.0f} s |",
                flush=True,
            )


if __name__ == "__main__":
    main()
