"""Event files for TensorBoard (DR_TENSORBOARD), in the bucket under `P/tensorboard/`.

Made from the learning curve: a trainer that resumes writes the whole curve again, from the beginning to the checkpoint
from which it goes on, into a new file, and removes the one before. So no step is there twice.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from drcli.contract.service_variables import Role
from drcli.errors import DrError
from drcli.missing_package import install_command
from drcli.services.observers.curve_recorder import point_of_evaluation, point_of_lesson, point_of_update
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    Lesson,
    ObservedRun,
    ObservedTraining,
    Observer,
    RunEnd,
    Update,
)
from drcli.store.learning_curve import EvaluationPoint, LearningCurve, LearningPoint, read_curve

INTERVAL_S = 2.0
BYTES_PER_S = 100_000  # on average, as the whole file is written each time


class EventFiles(Observer):
    """One file for each start of the trainer, of the whole training so far."""

    roles: ClassVar[frozenset[Role]] = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        self._next_write = 0.0
        self._key = run.keys.tensorboard(f"events.out.tfevents.{time.time():.0f}.drcli")
        curve = read_curve(run.bucket, run.keys.prefix)
        curve.truncate(run.counters.iteration, run.counters.teacher_steps)
        self._events = EventBuffer(curve)
        folder = run.keys.tensorboard("")
        run.bucket.delete(info.key for info in run.bucket.list(f"{folder}/") if info.key != self._key)

    @classmethod
    def is_wanted(cls, run: ObservedRun) -> bool:
        """Whether they are asked for."""
        return run.environment.metrics.tensorboard

    def on_update(self, update: Update) -> None:
        """Add an iteration of the model."""
        self._add(point_of_update(self._run.counters, update))

    def on_lesson(self, lesson: Lesson) -> None:
        """Add a lesson of the teacher."""
        self._add(point_of_lesson(self._run.counters, lesson))

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Add an evaluation."""
        self._add(point_of_evaluation(self._run.counters, evaluated))

    def on_end(self, end: RunEnd) -> None:
        """Write the whole file."""
        self._write()

    def _add(self, point: LearningPoint | EvaluationPoint) -> None:
        self._events.add(point)
        if time.monotonic() >= self._next_write:
            self._write()

    def _write(self) -> None:
        bucket, key, data = self._run.bucket, self._key, self._events.content()
        self._next_write = time.monotonic() + max(INTERVAL_S, len(data) / BYTES_PER_S)
        self._run.publisher.submit("event file", lambda: bucket.put(key, data), first=True)


class EventBuffer:
    """The content of an event file. It begins with what makes a TensorBoard that is running forget older files."""

    def __init__(self, curve: LearningCurve) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            raise DrError(
                "DR_TENSORBOARD=True needs the package tensorboard, which is not installed.",
                f"`{install_command('tensorboard')}` installs it.",
            ) from None
        self._protobuf, self._summaries = event_pb2, summary_pb2
        self._buffer = io.BytesIO()
        self._records = RecordWriter(self._buffer)
        self._put(file_version="brain.Event:2")
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._put(session_log=start)
        points: list[LearningPoint | EvaluationPoint] = [*curve.points, *curve.evaluations]
        for point in sorted(points, key=lambda each: each.at):
            self.add(point)

    def add(self, point: LearningPoint | EvaluationPoint) -> None:
        """Append the scalars of a point."""
        values = [
            self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars_of(point)
        ]
        self._put(wall_time=point.at, step=point.steps, summary=self._summaries.Summary(value=values))

    def content(self) -> bytes:
        """The file so far."""
        return self._buffer.getvalue()

    def _put(self, **fields: Any) -> None:
        event = self._protobuf.Event(**{"wall_time": time.time(), **fields})
        self._records.write(event.SerializeToString())


def scalars_of(point: LearningPoint | EvaluationPoint) -> Iterator[tuple[str, float]]:
    """Names and values of a point; docs/other-tools.md explains them."""
    if isinstance(point, EvaluationPoint):
        yield "eval/progress", point.progress
        yield "eval/reward", point.reward
        yield "eval/laps", len(point.laps_s)
        if point.laps_s:
            yield "eval/best_lap_s", min(point.laps_s)
        return
    teacher = "teacher_" if point.phase == "teacher" else ""
    yield f"{teacher}rollout/episodes", point.episodes
    for name in ("reward", "progress", "steps_per_s"):
        if (value := getattr(point, name)) is not None:
            yield f"{teacher}rollout/{name}", value
    for name, value in point.stats.items():
        yield f"{teacher}train/{name}", value
