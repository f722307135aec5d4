"""`status.json`: the state of a training, for `dr status` and for workers that lost their trainer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from statistics import fmean

from drcli.errors import DrError
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    Lesson,
    NewCheckpoint,
    ObservedTraining,
    Observer,
    RunEnd,
    Update,
)
from drcli.services.shared.training_job import TrainingJob
from drcli.store.run_status import RunStatus

INTERVAL_S = 0.5
STEPS_PER_SECOND = 15  # of simulated time, per car


class StatusWriter(Observer):
    """Keeps the document up to date; writes it at most every half second, and always at the end."""

    roles = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        self._written_at = 0.0
        environment = run.job.environment
        self.status = replace(
            _begun(run.job, run.counters.seed),
            max_minutes=environment.limits.max_minutes,
            max_episodes=run.hyperparameters.term_cond_max_episodes,
            max_teacher_steps=environment.guidance.teacher_steps,
        )
        if (before := run.before) is not None:
            self.status = replace(
                self.status, trained_s=before.trained_s, teacher=before.teacher, student=before.student
            )

    def on_workers(self, present: int) -> None:
        """Update the number of workers."""
        self._change(workers=present)

    def on_begin(self) -> None:
        """Set the state to training."""
        self._change(state="training")

    def on_update(self, update: Update) -> None:
        """Update reward, progress and speed."""
        episodes = list(chain.from_iterable(update.episodes.values()))
        if episodes:
            self._change(training_progress=fmean(episode.progress for episode in episodes))
        self._change(
            reward=update.reward,
            steps_per_s=update.steps_per_s,
            real_time_factor=update.steps_per_s / STEPS_PER_SECOND,
            trained_s=update.trained_s,
        )

    def on_lesson(self, lesson: Lesson) -> None:
        """Update the teacher's steps."""
        self._change()

    def on_examined(self, who: str, marks: str, is_pass: bool) -> None:
        """Update the marks of the teacher or the student."""
        changes: dict[str, object] = {who: marks + (": passed" if is_pass else "")}
        self._change(**changes)  # type: ignore[arg-type]

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Update the evaluation's progress and the best checkpoint."""
        best = evaluated.index.best
        self._change(
            evaluation_progress=evaluated.progress_pct,
            evaluations=self.status.evaluations + 1,
            best_checkpoint=str(best.name),
            best_metric=best.metric,
        )

    def on_checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """Update the last and the best checkpoint."""
        index = checkpoint.index
        self._change(last_checkpoint=str(checkpoint.name), best_checkpoint=str(index.best.name))

    def on_end(self, end: RunEnd) -> None:
        """Write how the run ended, after all its other documents."""
        self._change(
            is_written=False, state=end.state, stop_reason=end.reason, message=end.message, hint=end.hint
        )
        self._run.publisher.submit("status", self._writing())

    def _change(self, *, is_written: bool = True, **changes: object) -> None:
        counters = self._run.counters
        self.status = replace(
            self.status,
            iteration=counters.iteration,
            episodes=counters.total_episodes,
            steps=counters.steps,
            phase=counters.phase,
            teacher_steps=counters.teacher_steps,
            updated_at=time.time(),
            **changes,  # type: ignore[arg-type]
        )
        if is_written and self.status.updated_at - self._written_at > INTERVAL_S:
            self._written_at = self.status.updated_at
            self._run.publisher.submit("status", self._writing(), first=True)

    def _writing(self) -> Callable[[], None]:
        bucket, key, data = self._run.bucket, self._run.keys.status, self.status.to_json()
        return lambda: bucket.put(key, data)


def note_failed_start(job: TrainingJob, error: DrError) -> None:
    """Write the status of a training that failed to start, if the store is reachable."""
    status = replace(
        _begun(job, job.environment.seed or 0), state="failed", message=error.message, hint=error.hint
    )
    with suppress(DrError):  # the store may be the cause
        job.bucket.put(job.keys.status, status.to_json())


def _begun(job: TrainingJob, seed: int) -> RunStatus:
    now, environment = time.time(), job.environment
    return RunStatus(
        state="starting",
        prefix=environment.prefix,
        world_name=job.params.world_name,
        run_id=environment.run_id,
        seed=seed,
        started_at=now,
        updated_at=now,
    )
