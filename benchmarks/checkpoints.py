"""What DR_TRAIN_TF_CHECKPOINTS costs: bytes and time of a checkpoint, speed of a training.

Without and with it in turn, the one that comes second in a pair first in the next: medians, and the median of ratios.
A training from pixels ends after a number of episodes, a guided one when it has passed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial

from benchmarks.cpu_time import CpuTime
from benchmarks.workspace import Workspace
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.train.actor_critic import new_actor_critic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.export import exported
from drcli.train.model import ModelSpec

FORMATS = {False: ("native",), True: ("tensorflow", "native")}
REPEATS = 21
TRAININGS: dict[str, dict[str, str]] = {"pixels": {"DR_TRAIN_STOP_PROGRESS": ""}, "guided": {}}
ROWS = (
    ("whole command", "s"), ("its CPU time", "s"), ("training", "steps/s"), ("steps", ""), ("evaluations", ""),
    ("in the bucket", "MB"),
)  # fmt: skip

Runs = list[tuple[float, ...]]


def in_pairs(run: Callable[[bool], tuple[float, ...]], pairs: int) -> tuple[Runs, Runs]:
    """What `run` returns without and with checkpoints for TensorFlow, the two in turn."""
    results: dict[bool, Runs] = {False: [], True: []}
    for number in range(pairs):
        for has_tensorflow in (False, True) if number % 2 == 0 else (True, False):
            results[has_tensorflow].append(run(has_tensorflow))
    return results[False], results[True]


def compared(name: str, without: list[float], with_it: list[float], unit: str) -> str:
    """A row of the table."""
    ratios = [two / one for one, two in zip(without, with_it, strict=True)]
    medians = (f"{statistics.median(values):,.2f} {unit}".rstrip() for values in (without, with_it))
    return (
        f"| {name} | {' | '.join(medians)} | {statistics.median(ratios):.2f} "
        f"| {min(ratios):.2f} to {max(ratios):.2f} |"
    )


def sizes(checkpoint: Checkpoint, metadata: ModelMetadata) -> None:
    """Bytes of each file."""
    print("| file of a checkpoint | bytes |\n|---|---|")
    for part, content in exported(checkpoint, metadata, FORMATS[True]).items():
        print(f"| {part} | {len(content):,} |")


def publishing(folder: Workspace, checkpoint: Checkpoint, metadata: ModelMetadata) -> None:
    """Seconds to make and to publish a checkpoint, and CPU time, that of the store included."""
    (bucket, _), keys = folder.bucket(), ModelKeys("checkpoints")

    def run(has_tensorflow: bool) -> tuple[float, ...]:
        entry = CheckpointEntry(CheckpointName(next(numbers), 0))
        own = time.process_time()
        with CpuTime(folder.folder) as of_store:
            begun = time.perf_counter()
            files = exported(checkpoint, metadata, FORMATS[has_tensorflow])
            made = time.perf_counter()
            publish_checkpoint(bucket, keys, entry.name, files, CheckpointIndex(entry, entry))
            done = time.perf_counter()
            own = time.process_time() - own
        return made - begun, done - made, done - begun, own + of_store.seconds

    numbers = iter(range(2 + 2 * REPEATS))
    in_pairs(run, 1)
    columns = [list(zip(*rows, strict=True)) for rows in in_pairs(run, REPEATS)]
    for name, *values in zip(("make", "publish", "both", "CPU time of both"), *columns, strict=True):
        print(compared(name, *values, unit="s"), flush=True)


def training(
    method: str, settings: dict[str, str], seed: int, episodes: int, has_tensorflow: bool
) -> tuple[float, ...]:
    """Numbers of a training in a new workspace, in the order of ROWS."""
    with Workspace(seed, method) as folder:
        parameters = folder.folder / "custom_files" / "hyperparameters.json"
        if method == "pixels":
            limit = {"term_cond_max_episodes": episodes}
            folder.write(parameters.name, json.dumps(json.loads(parameters.read_text()) | limit))
        with CpuTime(folder.folder) as cpu:
            seconds = folder.train(DR_TRAIN_TF_CHECKPOINTS=str(has_tensorflow), **settings)
        status = folder.status()
        bucket, keys = folder.bucket()
        size = sum(found.size_bytes for found in bucket.list(keys.model_folder))
    return seconds, cpu.seconds, status["steps_per_s"], status["steps"], status["evaluations"], size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=70, help="of a training from pixels")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Workspace(1, "pixels") as folder:
        text = (folder.folder / "custom_files" / "model_metadata.json").read_text()
        metadata = ModelMetadata.parse(text, "model_metadata.json")
        network = new_actor_critic(ModelSpec.of(metadata))
        checkpoint = Checkpoint(to_tensors(network), {}, {})
        sizes(checkpoint, metadata)
        print("\n| | without | with | with / without | from, to |\n|---|---|---|---|---|")
        publishing(folder, checkpoint, metadata)
    for method, settings in TRAININGS.items():
        run = partial(training, method, settings, options.seed, options.episodes)
        columns = [list(zip(*rows, strict=True)) for rows in in_pairs(run, options.pairs)]
        for (name, unit), *values in zip(ROWS, *columns, strict=True):
            print(compared(f"{method}: {name}", *values, unit=unit), flush=True)


if __name__ == "__main__":
    main()
