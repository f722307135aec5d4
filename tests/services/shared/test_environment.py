"""What a service is told when it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.services.shared.environment import Environment, Limits, MetricsTargets, Pretrained
from drcli.store.store_config import StoreConfig

LEAST = {"MODEL_S3_BUCKET": "bucket", "MODEL_S3_PREFIX": "racer", "S3_YAML_NAME": "params.yaml"}
REST = {
    "S3_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "very secret", "AWS_PROFILE": "minio", "RUN_ID": "3", "DR_WORKERS": "2",
    "ROLLOUT_IDX": "1",
    "DR_CARS_PER_WORKER": "8", "DR_REWARD_PROCESSES": "3", "DR_SEED": "0", "DR_THREADS": "5",
    "DR_TRACKS_URL": "https://example.com/npy",
    "DR_TRACKS_DIR": "tracks", "DR_WIRE_ENDPOINT": "tcp://127.0.0.1:5555", "DR_WIRE_KEYS": "wire.json",
    "DR_WIRE_SECRET": "wire secret", "DR_WORKER_NAME": "2", "DR_CONTAINER": "1",
    "TELEGRAF_HOST": "telegraf", "TELEGRAF_PORT": "8125", "DR_METRICS_PORT": "9200", "DR_TENSORBOARD": "True",
}  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in LEAST.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_all_that_is_told(told: pytest.MonkeyPatch) -> None:
    for name, value in REST.items():
        told.setenv(name, value)
    store = StoreConfig("bucket", "http://127.0.0.1:9000", "eu-west-1", "key", "very secret", "minio")
    assert Environment.read() == Environment(
        store=store, prefix="racer", params_file="params.yaml", run_id=3, workers=2, worker_index=1,
        cars_per_worker=8, reward_processes=3, seed=0, threads=5, tracks_url="https://example.com/npy",
        tracks_dir=Path("tracks"),
        wire_endpoint="tcp://127.0.0.1:5555", wire_keys=Path("wire.json"), wire_secret="wire secret",
        worker_name="2", is_container=True, metrics=MetricsTargets("telegraf", 8125, 9200, True),
    )  # fmt: skip
    assert "secret" not in repr(Environment.read()).replace("secret=None", "")


def test_the_least(told: pytest.MonkeyPatch) -> None:
    environment = Environment.read()
    assert environment.store == StoreConfig("bucket")
    assert (environment.workers, environment.worker_index, environment.cars_per_worker) == (1, -1, 16)
    assert (environment.worker_name, environment.is_container) == (socket.gethostname(), False)
    assert environment.seed is None
    assert environment.tracks_dir is None
    assert environment.threads >= 1 and environment.reward_processes >= 1


def test_an_empty_index_is_for_the_trainer_to_give(told: pytest.MonkeyPatch) -> None:
    told.setenv("ROLLOUT_IDX", "")
    assert Environment.read().worker_index == -1


def test_an_empty_seed_is_none_and_not_zero(told: pytest.MonkeyPatch) -> None:
    told.setenv("DR_SEED", "")
    assert Environment.read().seed is None


@pytest.mark.parametrize("name", LEAST)
def test_what_is_missing_is_named(told: pytest.MonkeyPatch, name: str) -> None:
    told.delenv(name)
    with pytest.raises(DrError, match=name):
        Environment.read()


@pytest.mark.parametrize("name", ["RUN_ID", "DR_WORKERS", "ROLLOUT_IDX", "DR_SEED", "DR_THREADS"])
def test_what_is_no_number_is_named(told: pytest.MonkeyPatch, name: str) -> None:
    told.setenv(name, "two")
    with pytest.raises(DrError, match=f"{name} is 'two'"):
        Environment.read()


def test_limits_are_numbers_or_nothing(told: pytest.MonkeyPatch) -> None:
    assert Environment.read().limits == Limits()
    told.setenv("DR_TRAIN_STOP_PROGRESS", "99.5")
    told.setenv("DR_TRAIN_EVAL_INTERVAL", "4")
    told.setenv("MAX_MEMORY_STEPS", "")
    assert Environment.read().limits == Limits(stop_progress_pct=99.5, eval_interval=4)
    told.setenv("DR_TRAIN_STOP_PROGRESS", "all")
    with pytest.raises(DrError, match="DR_TRAIN_STOP_PROGRESS is 'all'"):
        Environment.read()


def test_another_model_to_begin_with(told: pytest.MonkeyPatch) -> None:
    told.setenv("PRETRAINED_S3_PREFIX", "teacher")
    assert Environment.read().pretrained is None
    for truth in ("True", "1", "yes"):
        told.setenv("PRETRAINED", truth)
        assert Environment.read().pretrained == Pretrained("teacher", "best")
    told.setenv("PRETRAINED_CHECKPOINT", "last")
    assert Environment.read().pretrained == Pretrained("teacher", "last")
