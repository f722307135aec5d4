"""Event files as TensorBoard itself reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from two_episodes import FAILED, LAP

from drcli.contract.checkpoint_names import CheckpointName
from drcli.errors import DrError
from drcli.services.observers.curve_recorder import CurveRecorder
from drcli.services.observers.observer import EvaluatedCheckpoint, Lesson, ObservedTraining, RunEnd, Update
from drcli.services.shared.counters import Counters
from drcli.services.shared.environment import MetricsTargets
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.watch.metrics.event_files import EventFiles

accumulators = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed"
)
ON = MetricsTargets(tensorboard=True)


def read(training: ObservedTraining, folder: Path) -> Any:
    """What TensorBoard shows of the files in the bucket."""
    training.publisher.flush()
    for info in training.bucket.list("racer/tensorboard/"):
        (folder / info.key.rpartition("/")[2]).write_bytes(training.bucket.get(info.key))
    found = accumulators.EventAccumulator(str(folder))
    found.Reload()
    return found


def points(found: Any, tag: str) -> list[tuple[int, float]]:
    return [(each.step, round(each.value, 4)) for each in found.Scalars(tag)]


def learn(training: ObservedTraining, observers: list[Any], iterations: range) -> None:
    """A number of iterations, each with its evaluation."""
    counters = training.counters
    for iteration in iterations:
        counters.iteration, counters.steps, counters.phase = iteration, 64 * iteration, "student"
        counters.count_episode(0)
        name = CheckpointName(iteration, counters.steps)
        entry = CheckpointEntry(name, 75.0, 0.0)
        for each in observers:
            each.on_update(
                Update([{"entropy": 9.0}, {"entropy": 1 / iteration}], {0: [LAP]}, 4.5, 12.0, 60.0)
            )
            each.on_evaluation(EvaluatedCheckpoint(name, [LAP, FAILED], 75.0, CheckpointIndex(entry, entry)))
    for each in observers:
        each.on_end(RunEnd("stopped"))


def test_a_training_with_a_teacher(observed: Callable[..., Any], tmp_path: Path) -> None:
    training = observed(ON)
    files = EventFiles(training)
    files.on_lesson(Lesson([{"value_loss": 0.5}], [FAILED], 512))
    learn(training, [files], range(1, 3))
    found = read(training, tmp_path)
    assert points(found, "train/entropy") == [(64, 1.0), (128, 0.5)]  # of the last epoch
    assert points(found, "rollout/reward") == [(64, 30.4), (128, 30.4)]
    assert points(found, "rollout/steps_per_s") == [(64, 12.0), (128, 12.0)]
    assert points(found, "eval/progress") == [(64, 75.0), (128, 75.0)]
    assert points(found, "eval/best_lap_s") == [(64, 9.5), (128, 9.5)]
    assert points(found, "teacher_train/value_loss") == [(512, 0.5)]
    assert points(found, "teacher_rollout/progress") == [(512, 50.9)]


def test_a_resumed_run_has_no_step_twice(observed: Callable[..., Any], tmp_path: Path) -> None:
    training = observed(ON)
    learn(training, [CurveRecorder(training), EventFiles(training)], range(1, 4))
    training.publisher.flush()
    (first,) = [info.key for info in training.bucket.list("racer/tensorboard/")]
    training.bucket.put("racer/tensorboard/events.out.tfevents.1.drcli", training.bucket.get(first))
    again = replace(training, counters=Counters(7, iteration=2, steps=128))
    learn(again, [EventFiles(again)], range(3, 5))
    found = read(again, tmp_path)
    assert [step for step, _ in points(found, "train/entropy")] == [64, 128, 192, 256]
    assert [step for step, _ in points(found, "eval/progress")] == [64, 128, 192, 256]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_package_is_named(observed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(DrError, match="needs the package tensorboard") as error:
        EventFiles(observed(ON))
    assert "install tensorboard" in error.value.hint
