"""The learning curve of a training in the bucket. A resumed run continues it from its last checkpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import Any

from drcli.contract.episode import Episode
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    Lesson,
    ObservedTraining,
    Observer,
    RunEnd,
    Update,
)
from drcli.services.shared.counters import Counters
from drcli.store.learning_curve import EvaluationPoint, LearningPoint, read_curve

INTERVAL_S = 1.0
BYTES_PER_S = 100_000  # on average, as the whole document is written each time


class CurveRecorder(Observer):
    """A point for each iteration, lesson and evaluation; written about once a second, a long one more seldom."""

    roles = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        self._next_write = 0.0
        self.curve = read_curve(run.bucket, run.keys.prefix)
        self.curve.truncate(run.counters.iteration, run.counters.teacher_steps)

    def on_update(self, update: Update) -> None:
        """Add an iteration of the model."""
        self.curve.points.append(point_of_update(self._run.counters, update))
        self._write_now_and_then()

    def on_lesson(self, lesson: Lesson) -> None:
        """Add a lesson of the teacher."""
        self.curve.points.append(point_of_lesson(self._run.counters, lesson))
        self._write_now_and_then()

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Add an evaluation."""
        self.curve.evaluations.append(point_of_evaluation(self._run.counters, evaluated))
        self._write_now_and_then()

    def on_end(self, end: RunEnd) -> None:
        """Write the whole curve."""
        self._write()

    def _write_now_and_then(self) -> None:
        if time.monotonic() >= self._next_write:
            self._write()

    def _write(self) -> None:
        bucket, key, data = self._run.bucket, self._run.keys.learning_curve, self.curve.to_jsonl()
        self._next_write = time.monotonic() + max(INTERVAL_S, len(data) / BYTES_PER_S)
        self._run.publisher.submit("learning curve", lambda: bucket.put(key, data), first=True)


def point_of_update(counters: Counters, update: Update) -> LearningPoint:
    """An iteration of the model that was just counted."""
    episodes = list(chain.from_iterable(update.episodes.values()))
    return LearningPoint(
        phase=counters.phase,
        iteration=counters.iteration,
        steps=counters.steps,
        episodes=counters.total_episodes,
        at=time.time(),
        steps_per_s=update.steps_per_s,
        **_learned(update.epochs, episodes),
    )


def point_of_lesson(counters: Counters, lesson: Lesson) -> LearningPoint:
    """A lesson of the teacher."""
    return LearningPoint(
        phase="teacher",
        iteration=counters.iteration,
        steps=lesson.steps,
        episodes=counters.teacher_episodes,
        at=time.time(),
        **_learned(lesson.epochs, lesson.episodes),
    )


def point_of_evaluation(counters: Counters, evaluated: EvaluatedCheckpoint) -> EvaluationPoint:
    """An evaluation of a checkpoint of this run."""
    episodes = evaluated.episodes
    return EvaluationPoint(
        checkpoint=str(evaluated.name),
        best_checkpoint=str(evaluated.index.best.name),
        iteration=evaluated.name.number - counters.base,
        steps=evaluated.name.steps,
        at=time.time(),
        trials=len(episodes),
        progress=evaluated.progress_pct,
        reward=fmean(episode.reward for episode in episodes),
        laps_s=tuple(e.end_time_s - e.start_time_s for e in episodes if e.is_lap),
    )


def _learned(epochs: Sequence[Mapping[str, float]], episodes: Sequence[Episode]) -> dict[str, Any]:
    """What a point says of the episodes that ended and of the last epoch."""
    return {
        "reward": fmean(e.reward for e in episodes) if episodes else None,
        "progress": fmean(e.progress for e in episodes) if episodes else None,
        "stats": {name: float(value) for name, value in epochs[-1].items()} if epochs else {},
    }
