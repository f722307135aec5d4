"""Reads what a dashboard shows: the services of a run, and the documents that it writes to the bucket."""

from __future__ import annotations

import time
from dataclasses import replace

from drcli.config.settings import Settings
from drcli.contract.keys import training_metrics
from drcli.contract.run_name import WORKER
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.bucket import bucket_if_running
from drcli.launch.plan import Plan
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.learning_curve import LearningCurve, read_curve
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import RunStatus, read_status
from drcli.watch.dashboard.dashboard_data import Dashboard
from drcli.watch.dashboard.training_picture import metrics_picture, training_picture

_INTERVAL_S = 1.0  # between two looks at the whole curve
_LATE_S = 3.0  # a curve is written after the status, which says that there is something new
_SHARE = 0.05  # of the time may be spent reading it, however long it has become


class RunReader:
    """Looks at a training again and again. An unreachable store is a note; what was read before is kept.

    view: its services, None if it was not started here; status: the last that its trainer wrote.
    """

    def __init__(self, settings: Settings, workspace: Workspace, plan: Plan, bucket: Bucket | None) -> None:
        self.settings, self.workspace, self.plan = settings, workspace, plan
        self.view: RunView | None = None
        self.status = self._before_the_first()
        self._bucket = bucket
        self._curve = LearningCurve()
        self._metrics: list[TrainingMetrics] = []
        self._next_read = 0.0
        self._read_at = 0.0
        self._note = "" if bucket is not None else "The store is unreachable: progress is unknown."

    @classmethod
    def of(cls, settings: Settings, workspace: Workspace) -> RunReader:
        """Of the training DR_RUN_ID that was started last. Raises DrError if there was none."""
        folder = RunFolder.of(workspace, "training", settings.run_id)
        if not folder.exists:
            raise DrError(
                f"No training of run {settings.run_id} was ever started here.",
                "`dr start-training` starts one.",
            )
        return cls(settings, workspace, folder.read_head(), bucket_if_running(settings, workspace))

    def look(self) -> None:
        """Read the services, the status, and what else is due."""
        self.view = run_control.read(self.workspace, self.plan.kind, self.plan.run_id)
        if self._bucket is not None:
            try:
                self._look_into(self._bucket)
                self._note = ""
            except DrError as error:
                self._note = error.message
        if self.view is not None and self.view.is_over:
            self.status = _final(self.status, self.view)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended; elsewhere, whether its trainer has said so."""
        return self.view.is_over if self.view is not None else self.status.is_over

    def dashboard(self) -> Dashboard:
        """What is known by now."""
        now, notes = time.time(), [self._note] if self._note else []
        if not self.plan.is_ours:
            started_at = RunFolder.of(self.workspace, self.plan.kind, self.plan.run_id).started_at
            elapsed_s = None if self.is_over or not started_at else now - started_at
            return metrics_picture(self.plan, self.view, self._metrics, elapsed_s, notes)
        return training_picture(self.status, self.view, self._curve, now, notes)

    def _look_into(self, bucket: Bucket) -> None:
        if self.plan.is_ours:
            self.status = read_status(bucket, self.plan.prefix) or self.status
            if self._read_at > self.status.updated_at + _LATE_S:
                return  # nothing was learned since
        started = time.monotonic()
        if started < self._next_read and not self.is_over:
            return
        self._read_at = time.time()
        if self.plan.is_ours:
            self._curve = read_curve(bucket, self.plan.prefix)
        else:
            self._metrics = self._read_metrics(bucket)
        took_s = time.monotonic() - started
        self._next_read = started + max(_INTERVAL_S, took_s / _SHARE)

    def _read_metrics(self, bucket: Bucket) -> list[TrainingMetrics]:
        """The metrics of each worker that has written some."""
        key = f"{self.settings.local_s3_metrics_prefix}/TrainingMetrics.json"
        workers = [each for each in (self.view.replicas if self.view else ()) if each.service == WORKER]
        keys = [training_metrics(key, index) for index in range(max(len(workers), 1))]
        return [
            TrainingMetrics.from_json(data, key) for key in keys if (data := bucket.find(key)) is not None
        ]

    def _before_the_first(self) -> RunStatus:
        plan, now = self.plan, time.time()
        return RunStatus(
            "starting", plan.prefix, plan.world_name, plan.run_id, 0, started_at=now, updated_at=now
        )


def _final(status: RunStatus, view: RunView) -> RunStatus:
    """How a run has ended whose services have: its trainer may not have written it."""
    if view.state == "failed" and status.state != "failed":
        return replace(status, state="failed", message=view.message, hint=view.hint)
    return status if status.is_over else replace(status, state="ended", stop_reason="stopped")
