"""Metrics of a worker for Prometheus, at the worker's port."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from drcli.contract.episode import Episode
from drcli.contract.service_variables import Role
from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.watch.metrics.endpoint import Endpoint, Metric


class WorkerMetrics(Observer):
    """Counts what this process drove since it started; driving for a teacher does not count."""

    roles: ClassVar[frozenset[Role]] = frozenset(("worker",))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        self._steps = Counter({"training": 0, "evaluation": 0})
        self._episodes: Counter[str] = Counter()
        self._reward: float | None = None
        self._progress: float | None = None
        self._endpoint = Endpoint(run, max(0, run.environment.worker_index) + 1, self._metrics())

    @classmethod
    def is_wanted(cls, run: ObservedRun) -> bool:
        """Whether there is a port."""
        return bool(run.environment.metrics.metrics_port)

    def on_step(self, step: DrivenStep) -> None:
        """Count the steps of all cars."""
        self._steps["evaluation" if step.is_evaluation else "training"] += len(step.cars)

    def on_episode(self, worker: int, episode: Episode) -> None:
        """Count a training episode."""
        self._episodes[episode.status.value] += 1
        self._reward, self._progress = episode.reward, episode.progress

    def on_end(self, end: RunEnd) -> None:
        """Close the port."""
        self._endpoint.close()

    def _metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("dr_worker_steps", "counter", "Steps of its cars.", lambda: {**self._steps}, "phase"),
            Metric(
                "dr_worker_episodes", "counter", "Its training episodes by how they ended.",
                lambda: {**self._episodes}, "status",
            ),
            Metric("dr_worker_reward", "gauge", "Reward of its last training episode.", lambda: self._reward),
            Metric(
                "dr_worker_progress_percent", "gauge", "Progress of its last training episode.",
                lambda: self._progress,
            ),
        )  # fmt: skip
