"""What live pictures cost: steps/s of a worker that only drives, on a machine whose cores are all busy.

In turns, within one run: without the observer, with it but without a viewer, and with four viewers that each take a
stream of their own size. The camera server has no core to itself: every other core computes as a trainer would.
What the observer does without a viewer is less than such rounds differ by, so its own time is measured, too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import torch

from drcli import env, paths
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.contract.keys import ModelKeys
from drcli.local import free_port
from drcli.paths import Workspace
from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared.environment import Environment
from drcli.services.worker.driver import Driver
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.store.client import Bucket
from drcli.store.server import ensure_server
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.watch.cameras.live_feed import LiveFeed

VIEWERS = 4
SHARES = ("no observer", "no viewer", "four viewers")


class Clocked(Observer):
    """Another observer, and for how long it held up the worker."""

    def __init__(self, observed: ObservedRun, inner: Observer) -> None:
        super().__init__(observed)
        self.inner, self.spent_s = inner, 0.0

    def on_step(self, step: DrivenStep) -> None:
        """What the other one does, measured."""
        began = time.perf_counter()
        self.inner.on_step(step)
        self.spent_s += time.perf_counter() - began


def _compute() -> None:
    torch.set_num_threads(1)
    a = torch.rand(512, 512)
    while True:
        a = (a @ a).clamp(0, 1)


def _view(port: int, number: int, stop: threading.Event, counts: list[int]) -> None:
    while not stop.is_set():
        with suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            topic = "/racecar/deepracer/kvs_stream"
            connection.request("GET", f"/stream?topic={topic}&width={400 + 20 * number}&height=300")
            response = connection.getresponse()
            while not stop.is_set() and (line := response.readline()):
                counts[number] += line.startswith(b"--")
            connection.close()


def _measure(driver: Driver, seconds: float) -> float:
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        driver.step()
        steps += driver.world.num_envs
    return steps / (time.perf_counter() - began)


def _observed(workspace: Workspace) -> ObservedRun:
    config = ensure_server(workspace, free_port(), "bucket")
    bucket, keys = Bucket(config), ModelKeys("model")
    bucket.ensure_bucket()
    source = (paths.defaults_dir() / "custom_files" / "model_metadata.json").read_text()
    bucket.put(keys.model_metadata, source.encode())
    bucket.put(keys.params("params.yaml"), b"{}")
    env.add(
        {
            "MODEL_S3_BUCKET": config.bucket, "MODEL_S3_PREFIX": keys.prefix, "S3_YAML_NAME": "params.yaml",
            "S3_ENDPOINT_URL": str(config.endpoint_url), "AWS_ACCESS_KEY_ID": str(config.access_key),
            "AWS_SECRET_ACCESS_KEY": str(config.secret_key), "DR_CAMERA_PORT": str(free_port()),
        }
    )  # fmt: skip
    metadata = ModelMetadata.parse(source, "model_metadata.json")
    return ObservedRun(
        "worker", replace(Environment.read(), worker_index=0), bucket, keys, "drcli_oval", metadata
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    others = [
        multiprocessing.get_context("spawn").Process(target=_compute, daemon=True)
        for _ in range((os.cpu_count() or 1) - 1)
    ]
    for other in others:
        other.start()
    with tempfile.TemporaryDirectory() as folder:
        observed = _observed(Workspace(Path(folder)))
        feed = LiveFeed(observed)
        assert feed.starter is not None
        model = ModelSpec.of(observed.metadata)
        actor = ClippedPPO.actor(model, Hyperparameters(), Hardware(torch.device("cpu"), torch.float32), 1)
        actor.load(weights_of(ClippedPPO.network(model), torch.float32))
        drivers = {}
        clocked = Clocked(observed, feed)
        for name, watchers in zip(SHARES, ([], [clocked], [feed]), strict=True):
            world = World(load_track("drcli_oval", None, ""), RaceSettings(), 16)
            drivers[name] = Driver(world, model.head, actor, Subscriptions(watchers))
            drivers[name].reset()
            _measure(drivers[name], 1.0)
        rates: dict[str, list[float]] = {name: [] for name in SHARES}
        counts = [0] * VIEWERS
        for number in range(chosen.rounds + 1):  # the first round compiles and imports
            for name in SHARES[:2] if number % 2 else SHARES[1::-1]:
                rates[name].append(_measure(drivers[name], chosen.seconds))
            stop, before = threading.Event(), sum(counts)
            views = [
                threading.Thread(target=_view, args=(feed.starter.port, each, stop, counts))
                for each in range(VIEWERS)
            ]
            for view in views:
                view.start()
            _measure(drivers[SHARES[2]], 60.0 if number == 0 else 1.0)
            rates[SHARES[2]].append(_measure(drivers[SHARES[2]], chosen.seconds))
            stop.set()
            for view in views:
                view.join()
            _measure(drivers[SHARES[0]], 4.0)  # until the server wants no more states
            print(json.dumps({"round": number, "pictures": sum(counts) - before}), flush=True)
        feed.on_end(RunEnd("ended"))
        from drcli.store.server import stop_server

        stop_server(Workspace(Path(folder)))
    for other in others:
        other.terminate()
    base = np.array(rates[SHARES[0]][1:])
    unwatched_s = (chosen.rounds + 1) * chosen.seconds + 1.0
    print(f"Without a viewer the observer takes {100 * clocked.spent_s / unwatched_s:.3f} % of the time.")
    print("| | steps/s | of it lost, median of rounds |\n|---|---|---|")
    for name in SHARES:
        each = np.array(rates[name][1:])
        lost = statistics.median((1 - each / base).tolist())
        print(f"| {name} | {statistics.median(each.tolist()):.0f} | {100 * lost:+.1f} % |")


if __name__ == "__main__":
    main()
