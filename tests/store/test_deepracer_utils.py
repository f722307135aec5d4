"""The bucket as the community's analysis package sees it: deepracer-utils, from S3 and from the folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from drcli.contract.keys import ModelKeys, evaluation_trace, training_metrics
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.store.server import ensure_server
from drcli.store.simtrace import format_csv

if TYPE_CHECKING:  # with pandas and matplotlib it takes seconds to import
    from deepracer.logs import DeepRacerLog

KEYS = ModelKeys("racer/my-model")
ITERATIONS, EPISODES, STEPS = 3, 4, 6

Open = Callable[[Bucket, Path], "DeepRacerLog"]


def progress(iteration: int, episode: int) -> float:
    """The progress at the end of an episode; the last of each iteration is a lap."""
    return 100.0 if episode == EPISODES - 1 else 10.0 * (iteration + 1) + episode


def trace(iteration: int, worker: int) -> Iterator[tuple[Any, ...]]:
    for episode in range(EPISODES):
        total = progress(iteration, episode)
        for step in range(1, STEPS + 1):
            done = step == STEPS
            ending = "lap_complete" if total == 100.0 else "off_track"
            status = "prepare" if step == 1 else ending if done else "in_progress"
            yield (
                iteration * EPISODES + episode, float(step), 0.5 * step, 0.25 * worker, 12.5, -15.0, 1.5,
                step % 3, 0.0 if step == 1 else 1.25, done, not done, total * step / STEPS, step, 17.7,
                1.0 * step / 15, status, 0.0, 0, 1.7e9 + step,
            )  # fmt: skip


def fill(bucket: Bucket, workers: int) -> None:
    """What a training of three iterations leaves."""
    actions = [{"steering_angle": angle, "speed": 1.5, "index": i} for i, angle in enumerate((-15, 0, 15))]
    metadata = {"action_space": actions, "sensor": ["FRONT_FACING_CAMERA"], "version": "5",
                "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"}  # fmt: skip
    bucket.put(KEYS.model_metadata, json.dumps(metadata).encode())
    bucket.put(KEYS.hyperparameters, json.dumps({"batch_size": 64, "lr": 0.0003}).encode())
    for worker in range(workers):
        metrics = TrainingMetrics()
        for iteration in range(ITERATIONS):
            bucket.put(KEYS.training_trace(iteration, worker, workers), format_csv(trace(iteration, worker)))
            metrics.start_iteration()
            for episode in range(EPISODES):
                status = "lap_complete" if progress(iteration, episode) == 100.0 else "off_track"
                result = EpisodeResult(6.25, progress(iteration, episode), status, episode, episode + 0.4)
                metrics.append("training", result)
            if worker == 0:
                metrics.append(
                    "evaluation", EpisodeResult(50.0, 30.0 * (iteration + 1), "off_track", 0.0, 9.0)
                )
        bucket.put(training_metrics(KEYS.default_metrics, worker), metrics.to_json())
    bucket.put(evaluation_trace(KEYS.key("evaluation-20260102030405")), format_csv(trace(0, 0)))


def from_folder(_: Bucket, folder: Path) -> DeepRacerLog:
    from deepracer.logs import DeepRacerLog

    return DeepRacerLog(model_folder=str(folder / KEYS.prefix))


def from_s3(bucket: Bucket, _: Path) -> DeepRacerLog:
    from deepracer.logs import DeepRacerLog, S3FileHandler

    handler = S3FileHandler(
        bucket=bucket.config.bucket, prefix=KEYS.prefix, s3_endpoint_url=bucket.config.endpoint_url
    )
    return DeepRacerLog(filehandler=handler)


@pytest.fixture
def place(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Bucket, Path]:
    """A bucket and the folder its server keeps it in; boto3 finds the keys, as in a notebook."""
    config = ensure_server(workspace, free_port, "bucket")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(config.access_key))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(config.secret_key))
    monkeypatch.setenv("AWS_DEFAULT_REGION", config.region)
    return Bucket(config), workspace.store / "bucket"


@pytest.mark.parametrize("open_log", [from_folder, from_s3])
@pytest.mark.parametrize("workers", [1, 3])
def test_traces_come_back(place: tuple[Bucket, Path], workers: int, open_log: Open) -> None:
    from deepracer.logs.misc import LogFolderType

    fill(place[0], workers)
    log = open_log(*place)
    assert log.fh.type == (
        LogFolderType.DRFC_MODEL_SINGLE_WORKERS if workers == 1 else LogFolderType.DRFC_MODEL_MULTIPLE_WORKERS
    )
    log.load()
    frame = log.dataframe()
    assert len(frame) == workers * ITERATIONS * EPISODES * STEPS
    assert sorted(frame["worker"].unique()) == list(range(workers))
    assert frame["unique_episode"].nunique() == workers * ITERATIONS * EPISODES
    for iteration in range(ITERATIONS):
        ends = frame[(frame["iteration"] == iteration) & frame["done"] & (frame["worker"] == workers - 1)]
        assert list(ends["progress"]) == [progress(iteration, episode) for episode in range(EPISODES)]
        assert list(ends["episode"]) == [iteration * EPISODES + episode for episode in range(EPISODES)]
    assert frame["reward"].sum() == pytest.approx(workers * ITERATIONS * EPISODES * (STEPS - 1) * 1.25)
    assert list(frame["action"].unique()) == [1, 2, 0]
    assert log.hyperparameters()["batch_size"] == 64
    assert len(log.action_space()) == 3


@pytest.mark.parametrize("open_log", [from_folder, from_s3])
def test_an_evaluation_comes_back(place: tuple[Bucket, Path], open_log: Open) -> None:
    fill(place[0], 1)
    log = open_log(*place)
    log.load_evaluation_trace()
    frame = log.dataframe()
    assert list(frame["stream"].unique()) == ["20260102030405"]
    assert list(frame[frame["done"]]["progress"]) == [progress(0, episode) for episode in range(EPISODES)]


@pytest.mark.parametrize("workers", [1, 3])
def test_metrics_come_back(place: tuple[Bucket, Path], workers: int) -> None:
    from deepracer.logs import TrainingMetrics as TheirMetrics

    bucket, folder = place
    fill(bucket, workers)
    theirs = TheirMetrics(bucket.config.bucket, s3_endpoint_url=bucket.config.endpoint_url)
    theirs.addRound(KEYS.prefix, training_round=1, workers=workers)
    training = theirs.getTraining()
    assert len(training) == workers * ITERATIONS * EPISODES
    assert sorted(training["worker"].unique()) == list(range(workers))
    first = training[training["worker"] == 0]
    assert list(first["iteration"]) == [i for i in range(ITERATIONS) for _ in range(EPISODES)]
    assert list(first["completion"]) == [
        progress(i, episode) for i in range(ITERATIONS) for episode in range(EPISODES)
    ]
    assert training["complete"].sum() == workers * ITERATIONS
    assert list(theirs.getEvaluation()["completion"]) == [30, 60, 90]
    summary = theirs.getSummary()
    assert list(summary["eval_completion"]) == [30, 60, 90]
    local = TheirMetrics(None, fname=str(folder / KEYS.default_metrics))
    assert len(local.getTraining()) == ITERATIONS * EPISODES


def test_metrics_of_evaluations_alone_come_back(place: tuple[Bucket, Path]) -> None:
    """A guided training may end before its first training episode does."""
    from deepracer.logs import TrainingMetrics as TheirMetrics

    bucket, _ = place
    metrics = TrainingMetrics()
    for progress_pct in (40.0, 100.0):
        metrics.append("evaluation", EpisodeResult(50.0, progress_pct, "off_track", 0.0, 9.0))
    again = TrainingMetrics.from_json(metrics.to_json())
    again.append("training", EpisodeResult(5.0, 10.0, "off_track", 0.0, 1.0))
    assert [(row.episode, row.trial) for row in again.episodes] == [(0, 1), (0, 1), (1, 1)]
    bucket.put(KEYS.default_metrics, metrics.to_json())
    theirs = TheirMetrics(bucket.config.bucket, KEYS.prefix, s3_endpoint_url=bucket.config.endpoint_url)
    assert list(theirs.getEvaluation()["completion"]) == [40, 100]
    assert theirs.getTraining().empty
    assert list(theirs.getSummary()["eval_episodes"]) == [2]
