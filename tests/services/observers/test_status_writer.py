"""The status document of a training: how far it is, how it ended, written now and then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode, Status
from drcli.errors import DrError
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    NewCheckpoint,
    ObservedTraining,
    RunEnd,
    Update,
)
from drcli.services.observers.status_writer import StatusWriter, note_failed_start
from drcli.services.shared.counters import Counters
from drcli.services.shared.publisher import Publisher
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.run_status import RunStatus, read_status

ONE, TWO = CheckpointName(1, 64), CheckpointName(2, 128)


BEFORE = RunStatus("training", "racer", "tiny", 0, 7, 0.0, 0.0, trained_s=5.0, teacher="5 of 5 laps: passed")


def episode(progress: float) -> Episode:
    return Episode(0, 0, 0.0, 100.0, False, 1.0, progress, Status.OFF_TRACK, 102.0)


@pytest.fixture
def training(run: Any) -> Iterator[ObservedTraining]:
    job, publisher = run.job(), Publisher(lambda text: None)
    yield ObservedTraining(
        role="trainer", environment=job.environment, bucket=job.bucket, keys=job.keys, world_name="tiny",
        metadata=job.metadata, job=job, hyperparameters=job.hyperparameters(), counters=Counters(7),
        before=BEFORE, publisher=publisher,
    )  # fmt: skip
    publisher.close()


def written(training: ObservedTraining) -> RunStatus:
    training.publisher.flush()
    status = read_status(training.bucket, "racer")
    assert status
    return status


def test_it_is_written_now_and_then(training: ObservedTraining) -> None:
    writer = StatusWriter(training)
    assert (writer.status.state, writer.status.trained_s) == ("starting", 5.0)
    assert writer.status.teacher == BEFORE.teacher
    writer.on_workers(3)
    training.counters.count_episode(0)
    training.counters.count_episode(1)
    writer.on_begin()
    writer.on_update(Update([], {0: [episode(10)], 1: [episode(30)]}, 4.5, 12.0, 60.0))
    then, now = written(training), writer.status
    assert (then.state, then.workers, then.world_name, then.seed) == ("starting", 3, "tiny", 7)
    assert then.steps_per_s == 0.0  # half a second has not passed
    assert (now.state, now.episodes, now.training_progress) == ("training", 2, 20.0)
    assert (now.reward, now.steps_per_s, now.real_time_factor, now.trained_s) == (4.5, 12.0, 0.8, 60.0)
    assert json.loads(now.to_json())["prefix"] == "racer"


def test_an_iteration_without_an_end_keeps_the_progress(training: ObservedTraining) -> None:
    writer = StatusWriter(training)
    writer.on_update(Update([], {0: [episode(40)]}, None, 1.0, 1.0))
    writer.on_update(Update([], {}, None, 1.0, 2.0))
    assert writer.status.training_progress == 40.0


def test_it_tells_of_checkpoints(training: ObservedTraining) -> None:
    writer = StatusWriter(training)
    writer.on_checkpoint(
        NewCheckpoint(ONE, CheckpointIndex(CheckpointEntry(ONE), CheckpointEntry(ONE)), bytes)
    )
    index = CheckpointIndex(CheckpointEntry(ONE, 80.0), CheckpointEntry(TWO))
    writer.on_checkpoint(NewCheckpoint(TWO, index, bytes))
    writer.on_evaluation(EvaluatedCheckpoint(ONE, [episode(80)], 80.0, index))
    status = writer.status
    assert (status.best_checkpoint, status.last_checkpoint) == (str(ONE), str(TWO))
    assert (status.best_metric, status.evaluation_progress, status.evaluations) == (80.0, 80.0, 1)


@pytest.mark.parametrize(
    "end",
    [RunEnd("ended", "minutes are over"), RunEnd("stopped", "on request"), RunEnd("failed", "", "no", "so")],
)
def test_the_end_is_always_written_and_behind_all_else(training: ObservedTraining, end: RunEnd) -> None:
    writer = StatusWriter(training)
    writer.on_workers(1)
    seen: list[str] = []
    training.publisher.submit("last documents", lambda: seen.append(written_state(training)))
    writer.on_end(end)
    status = written(training)
    assert (status.state, status.stop_reason, status.message, status.hint) == (
        end.state, end.reason, end.message, end.hint,
    )  # fmt: skip
    assert seen in ([""], ["starting"])  # a waiting one gives way to the newest


def written_state(training: ObservedTraining) -> str:
    status = read_status(training.bucket, "racer")
    return status.state if status else ""


def test_a_training_that_could_not_begin(training: ObservedTraining) -> None:
    note_failed_start(training.job, DrError("There is no such file.", "Put it there."))
    status = read_status(training.bucket, "racer")
    assert status
    assert (status.state, status.message, status.hint) == (
        "failed",
        "There is no such file.",
        "Put it there.",
    )
