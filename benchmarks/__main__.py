"""All benchmarks, one table after the other: `python -m benchmarks [NAME]... [options of one]`."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

PARTS = {
    "startup": "dr --help against a bare import of click",
    "simulator": "the simulator alone, on one core",
    "slow_rewards": "slow reward functions in one process and in several",
    "pictures": "what the front camera's pictures cost, against another commit",
    "trainer": "the trainer against a bare torch loop",
    "guided": "guided training against pixels; more with --part",
    "races": "guided training with boxes and bot cars on the road",
    "checkpoints": "what it costs to write checkpoints for TensorFlow as well",
    "training": "dr start-training from pixels, the whole command, until the model drives 5 of 5 laps",
    "cameras": "what live pictures cost a worker: without a viewer, and with four",
    "sac": "SAC from pixels, until it drives laps",
    "stable_baselines": "learning curves of our PPO and SAC against Stable-Baselines3; needs the group bench",
    "recorded_frames": "what a model chooses on recorded pictures and on ours; needs --frames and --tracks",
    "car_fit": "how far our cars are off recorded ones, and their constants fitted again; needs --traces",
    "embedder_fit": "the embedder that students of randomised pictures start with, trained again",
    "many_tracks": "one model trained on all our tracks, driven on those that it never saw; needs --tracks",
    "optimal_lap": "how fast our car can get around our tracks at all",
}
# Half an hour, always with the same result; many minutes; with the data or the history of others.
BY_NAME = (
    "optimal_lap",
    "races",
    "sac",
    "stable_baselines",
    "recorded_frames",
    "car_fit",
    "embedder_fit",
    "many_tracks",
    "cameras",
    "pictures",
)


def main() -> None:
    names = list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(names) :]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options and len(names) != 1:
        sys.exit("options are those of one benchmark: name it first")
    for name in names or [name for name in PARTS if name not in BY_NAME]:
        if not options:
            print(f"\n## {name}: {PARTS[name]}\n", flush=True)
        root = Path(__file__).parents[1]
        path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        command = [sys.executable, str(Path(__file__).parent / f"{name}.py"), *options]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path})


if __name__ == "__main__":
    main()
