"""Metrics of a training for Prometheus, at the trainer's port."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import chain
from statistics import fmean
from typing import ClassVar

from drcli.contract.service_variables import Role
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    NewCheckpoint,
    ObservedRun,
    ObservedTraining,
    Observer,
    RunEnd,
    Update,
)
from drcli.watch.metrics.endpoint import Endpoint, Metric


class TrainerMetrics(Observer):
    """Notes the last results; counters are the run's own, so that they go on where a resumed run does."""

    roles: ClassVar[frozenset[Role]] = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        self._update: Update | None = None
        self._progress: float | None = None
        self._statistics: Mapping[str, float] = {}
        self._evaluated: EvaluatedCheckpoint | None = None
        self._evaluations = 0
        self._best_lap_s: float | None = None
        self._saved_at: float | None = None
        self._workers = 0
        self._endpoint = Endpoint(run, 0, self._metrics())

    @classmethod
    def is_wanted(cls, run: ObservedRun) -> bool:
        """Whether there is a port."""
        return bool(run.environment.metrics.metrics_port)

    def on_workers(self, present: int) -> None:
        """Note how many there are."""
        self._workers = present

    def on_update(self, update: Update) -> None:
        """Note an iteration."""
        self._update = update
        if episodes := list(chain.from_iterable(update.episodes.values())):
            self._progress = fmean(episode.progress for episode in episodes)
        if update.epochs:
            self._statistics = {name: float(value) for name, value in update.epochs[-1].items()}

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Note an evaluation."""
        self._evaluated = evaluated
        self._evaluations += 1
        laps = [e.end_time_s - e.start_time_s for e in evaluated.episodes if e.is_lap]
        if self._best_lap_s is not None:
            laps.append(self._best_lap_s)
        self._best_lap_s = min(laps, default=None)

    def on_checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """Note when."""
        self._saved_at = time.time()

    def on_end(self, end: RunEnd) -> None:
        """Close the port."""
        self._endpoint.close()

    def _metrics(self) -> tuple[Metric, ...]:
        counters, publisher = self._run.counters, self._run.publisher
        return (
            Metric("dr_training_iterations", "counter", "Updates of the model.", lambda: counters.iteration),
            Metric("dr_training_episodes", "counter", "Training episodes.", lambda: counters.total_episodes),
            Metric("dr_training_steps", "counter", "Training steps of all cars.", lambda: counters.steps),
            Metric(
                "dr_teacher_steps",
                "counter",
                "Steps of the teacher (guided).",
                lambda: counters.teacher_steps,
            ),
            *self._gauges(),
            Metric(
                "dr_store_errors",
                "counter",
                "Failed attempts to write to the bucket.",
                lambda: publisher.faults,
            ),
        )

    def _gauges(self) -> tuple[Metric, ...]:
        return (
            Metric(
                "dr_training_steps_per_second", "gauge", "Training steps of all cars in a second, on average.",
                lambda: self._update.steps_per_s if self._update else None,
            ),
            Metric(
                "dr_training_reward", "gauge", "Mean reward of the last training episodes.",
                lambda: self._update.reward if self._update else None,
            ),
            Metric(
                "dr_training_progress_percent", "gauge", "Mean progress of the last iteration's episodes.",
                lambda: self._progress,
            ),
            Metric(
                "dr_training_statistic", "gauge", "What learning says of itself: entropy, losses, divergence.",
                lambda: dict(self._statistics), "statistic",
            ),
            Metric(
                "dr_training_seconds", "gauge", "Time spent training, over all starts of the trainer.",
                lambda: self._update.trained_s if self._update else None,
            ),
            Metric(
                "dr_evaluations", "counter", "Evaluations since the trainer started.", lambda: self._evaluations
            ),
            Metric(
                "dr_evaluation_progress_percent", "gauge", "Mean progress in the last evaluation.",
                lambda: self._evaluated.progress_pct if self._evaluated else None,
            ),
            Metric(
                "dr_evaluation_best_lap_seconds", "gauge", "Fastest lap of an evaluation since the trainer started.",
                lambda: self._best_lap_s,
            ),
            Metric(
                "dr_checkpoint_age_seconds", "gauge", "Time since the last checkpoint.",
                lambda: None if self._saved_at is None else time.time() - self._saved_at,
            ),
            Metric("dr_workers_connected", "gauge", "Workers that are connected.", lambda: self._workers),
        )  # fmt: skip
