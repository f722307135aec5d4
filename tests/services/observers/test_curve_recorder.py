"""The learning curve of a training: a point for all that happens, and none twice after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode, Status
from drcli.errors import DrError
from drcli.services.observers.curve_recorder import CurveRecorder
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    Lesson,
    ObservedTraining,
    RunEnd,
    Update,
)
from drcli.services.shared.counters import Counters
from drcli.services.shared.publisher import Publisher
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.learning_curve import LearningCurve, read_curve

LAP = Episode(0, 0, 0.0, 100.0, False, 30.0, 100.0, Status.LAP_COMPLETE, 109.5)
FAILED = Episode(0, 1, 0.0, 110.0, False, 10.0, 50.0, Status.OFF_TRACK, 115.0)


@pytest.fixture
def training(run: Any) -> Iterator[ObservedTraining]:
    job, publisher = run.job(), Publisher(lambda text: None)
    yield ObservedTraining(
        role="trainer", environment=job.environment, bucket=job.bucket, keys=job.keys, world_name="tiny",
        metadata=job.metadata, job=job, hyperparameters=job.hyperparameters(), counters=Counters(7),
        before=None, publisher=publisher,
    )  # fmt: skip
    publisher.close()


def driven(training: ObservedTraining) -> CurveRecorder:
    """Two lessons, an iteration and its evaluation."""
    recorder, counters = CurveRecorder(training), training.counters
    counters.teacher_episodes = 4
    recorder.on_lesson(Lesson([{"entropy": 2.0}, {"entropy": 1.5}], [FAILED], 512))
    recorder.on_lesson(Lesson([], [], 1024))
    counters.teacher_steps = 1024
    counters.iteration, counters.steps, counters.phase = 1, 64, "student"
    counters.count_episode(0)
    recorder.on_update(Update([{"divergence": 0.25}], {0: [LAP], 1: [FAILED]}, 4.5, 12.0, 60.0))
    name = CheckpointName(1, 64)
    entry = CheckpointEntry(name, 75.0, 0.0)
    recorder.on_evaluation(EvaluatedCheckpoint(name, [LAP, FAILED], 75.0, CheckpointIndex(entry, entry)))
    return recorder


def test_everything_that_happens_is_a_point(training: ObservedTraining) -> None:
    driven(training).on_end(RunEnd("ended"))
    training.publisher.flush()
    curve = read_curve(training.bucket, "racer")
    first, second, student = curve.points
    assert (first.phase, first.steps, first.episodes, first.progress, first.reward) == (
        "teacher",
        512,
        4,
        50.0,
        10.0,
    )
    assert first.stats == {"entropy": 1.5}  # of the last epoch
    assert (second.steps, second.progress, second.stats) == (1024, None, {})
    assert (student.phase, student.iteration, student.steps, student.episodes) == ("student", 1, 64, 1)
    assert (student.progress, student.reward, student.steps_per_s) == (75.0, 20.0, 12.0)
    (evaluation,) = curve.evaluations
    assert (evaluation.checkpoint, evaluation.best_checkpoint) == ("1_Step-64.ckpt", "1_Step-64.ckpt")
    assert (evaluation.trials, evaluation.progress, evaluation.laps_s) == (2, 75.0, (9.5,))


def test_a_resumed_run_drops_what_came_after_its_checkpoint(training: ObservedTraining) -> None:
    driven(training).on_end(RunEnd("stopped"))
    training.publisher.flush()
    early = replace(training, counters=Counters(7, teacher_steps=512))
    assert [point.steps for point in CurveRecorder(early).curve.points] == [512]
    late = CurveRecorder(training).curve
    assert (len(late.points), len(late.evaluations)) == (3, 1)


def test_it_is_not_written_at_every_point(training: ObservedTraining) -> None:
    recorder = driven(training)
    training.publisher.flush()
    assert len(read_curve(training.bucket, "racer").points) < len(recorder.curve.points)


def test_a_broken_line_is_named() -> None:
    with pytest.raises(DrError, match=r"learning\.jsonl:1 is broken"):
        LearningCurve.from_jsonl(b'{"phase": "pixels"}\n')
