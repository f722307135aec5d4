"""Workers with live pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from live_worker import METADATA, DrivingWorker
from ports import free_port

from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.contract.keys import ModelKeys
from drcli.services.observers.observer import ObservedRun
from drcli.services.shared.environment import Environment
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.store.client import Bucket
from drcli.watch.cameras.live_feed import LiveFeed


@pytest.fixture
def observed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Callable[..., ObservedRun]:
    """The run of a worker whose documents are in a bucket."""
    keys, config = ModelKeys("racer"), bucket.config
    bucket.put(keys.params("params.yaml"), b'{"DISPLAY_NAME": "Lightning", "CAR_COLOR": "Blue"}')
    bucket.put(keys.model_metadata, json.dumps(METADATA).encode())
    variables = {
        "MODEL_S3_BUCKET": config.bucket, "MODEL_S3_PREFIX": keys.prefix, "S3_YAML_NAME": "params.yaml",
        "S3_ENDPOINT_URL": str(config.endpoint_url), "AWS_REGION": config.region,
        "AWS_ACCESS_KEY_ID": str(config.access_key), "AWS_SECRET_ACCESS_KEY": str(config.secret_key),
        "ROLLOUT_IDX": "0", "DR_CAMERA_FILE": str(tmp_path / "robomaker-1.camera"),
    }  # fmt: skip

    def make(port: int | None = None) -> ObservedRun:
        for name, value in {
            **variables,
            "DR_CAMERA_PORT": str(free_port() if port is None else port),
        }.items():
            monkeypatch.setenv(name, value)
        metadata = ModelMetadata.parse(json.dumps(METADATA), "model_metadata.json")
        return ObservedRun("worker", Environment.read(), bucket, keys, "drcli_oval", metadata)

    return make


@pytest.fixture
def start(observed: Callable[..., ObservedRun]) -> Iterator[Callable[..., DrivingWorker]]:
    """Starts workers that drive; they end with the test."""
    with ExitStack() as stack:

        def make(world: World | Worlds | None = None, port: int | None = None) -> DrivingWorker:
            world = world or World(load_track("drcli_oval", None, ""), RaceSettings(), 2)
            worker = DrivingWorker(LiveFeed(observed(port)), world)
            stack.callback(worker.close)
            return worker

        yield make
