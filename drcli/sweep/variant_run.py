"""One variant on its way: its training, then an evaluation on each track. Whatever is killed, the next step goes on."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from typing import Any, cast

from drcli.config.envfile import Assignment
from drcli.config.load import load_settings
from drcli.config.settings import Settings
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.contract.run_name import RunKind
from drcli.errors import DrError, UsageError
from drcli.launch import evaluation_start, run_control, training_start
from drcli.launch.bucket import bucket_if_running, open_bucket
from drcli.launch.evaluation_start import StartedEvaluation
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.launch.simapp import is_ours
from drcli.store.checkpoint_pruning import keep_only
from drcli.store.checkpoints import Which
from drcli.store.run_status import RunStatus, read_status
from drcli.sweep.evaluated_tracks import evaluation_settings
from drcli.sweep.sweep_folder import Sweep, SweepFolder, TrackResult, VariantFolder, VariantState
from drcli.sweep.variant_files import HERE
from drcli.watch.run_progress import format_status_line

_ATTEMPTS = 3  # to start something that does not start, or that is lost each time
_PAUSE_S = 5.0
_LOOK_S = 2.0  # between two looks at the status of a training


@dataclass
class VariantRun:
    """A variant and the run id that it uses. `step` looks once, starts what is due, and returns how far it is."""

    folder: SweepFolder
    sweep: Sweep
    variant: VariantFolder
    run_id: int

    def __post_init__(self) -> None:
        self.state = self.variant.state
        self.status: RunStatus | None = None
        self._workspace = self.folder.workspace(self.variant.path)
        self._base = self.folder.workspace(self.folder.base)
        self._evaluation: StartedEvaluation | None = None
        self._next = 0.0

    def step(self) -> VariantState:
        """Look once, and start what is due."""
        if time.monotonic() < self._next:
            return self.state
        try:
            if self.state.state == "evaluating":
                self._evaluate()
            elif self.state.state == "training":
                self._follow_training()
            elif self.state.state == "waiting":
                self._train()
        except DrError as error:
            self._miss(error)
        return self.state

    def prune(self) -> None:
        """Stop the training: it is not worth continuing. Its model stays."""
        self._end("training", "training")
        seen = self.status
        why = f"{seen.evaluation_progress:.0f} % after {seen.evaluations} evaluations" if seen else ""
        self._set(state="pruned", ended_at=time.time(), message=why, progress="", **self._figures())

    def stop(self) -> None:
        """Stop what is running gracefully; the next `step` of another process goes on from there."""
        if self.state.state == "training":
            run_control.stop(self._workspace, "training", self.run_id)
        elif self.state.state == "evaluating":
            run_control.stop(self._base, "evaluation", self.run_id)

    def _set(self, **changes: Any) -> None:
        self.state = self.variant.set(**changes)

    def _miss(self, error: DrError) -> None:
        """Try again a little later, or give up: another attempt does not help against a wrong setting."""
        attempts = self.state.attempts + 1
        if isinstance(error, UsageError) or attempts >= _ATTEMPTS:
            self._fail(error.message, error.hint)
            return
        self._next = time.monotonic() + _PAUSE_S
        self._evaluation = None
        self._set(attempts=attempts, progress=f"trying again: {error.message}")

    def _fail(self, message: str, hint: str = "") -> None:
        """Keep the first line of the message, with the user's own file in it; the rest is in the logs."""
        message = message.partition("\n")[0]
        own = self.variant.choices.get("reward_function")
        if own is not None:
            message = message.replace(f"{self.variant.prefix}/reward_function.py", str(own))
        self._set(
            state="failed", ended_at=time.time(), message=message, hint=hint, progress="", **self._figures()
        )

    def _train(self) -> None:
        settings = self._settings()
        bucket = open_bucket(settings, self._workspace, write=True)
        self.status = read_status(bucket, self.variant.prefix)
        if self.status is not None and self.status.is_complete:  # it ended unseen
            self._set(state="evaluating", **self._figures())
            return
        prepared = training_start.prepare(settings, self._workspace, self.sweep.cores)
        resume = prepared.existing_checkpoints > 0
        training_start.start(prepared, wipe=bool(prepared.existing) and not resume, resume=resume)
        earlier_s = self.state.earlier_s + (self.status.elapsed_s if self.status and resume else 0.0)
        self.status = None
        started_at = self.state.started_at or time.time()
        self._set(
            state="training",
            run_id=self.run_id,
            started_at=started_at,
            earlier_s=earlier_s,
            progress="starting",
        )

    def _follow_training(self) -> None:
        self._next = time.monotonic() + _LOOK_S
        seen = self._seen("training", self.variant.prefix)
        self._read_status()
        if seen is None:
            self._set(state="waiting")
            self._next = 0.0
        elif not seen.is_over:
            self._look_after(seen)
        elif seen.state == "ended" and self._awaits_status():
            self._set(attempts=self.state.attempts + 1, progress="reading its status")
        elif seen.state == "ended":
            self._end("training", "training")
            was_stopped = self.status is not None and self.status.was_stopped
            self._set(
                state="waiting" if was_stopped else "evaluating", attempts=0, progress="", **self._figures()
            )
            self._next = 0.0
        elif seen.state == "lost":
            self._end("training", "training")
            self._set(state="waiting")
            self._miss(DrError(seen.message, seen.hint))
        else:
            self._end("training", "training")
            self._fail(seen.message, seen.hint)

    def _awaits_status(self) -> bool:
        """Whether our trainer has ended, but its last status was not read yet, as the store did not answer."""
        is_known = self.status is not None and (self.status.is_over or self.status.was_stopped)
        return not is_known and is_ours(self._settings()) and self.state.attempts < _ATTEMPTS

    def _look_after(self, seen: RunView) -> None:
        settings = self._settings()
        if seen.is_orphan:
            run_control.revive(self._workspace, self.run_id, settings)
        if self.status is not None:
            line = "starting" if self.status.state == "starting" else format_status_line(self.status)
            if line != self.state.progress:
                self._set(progress=line, steps=self.status.steps)
        elif (
            settings.train_max_minutes
            and time.time() - self.state.started_at > settings.train_max_minutes * 60
        ):
            # The community's engine knows no such limit, and tells nothing.
            self._end("training", "training")
            self._set(state="evaluating", attempts=0, progress="")

    def _evaluate(self) -> None:
        if self._evaluation is not None:
            self._follow_evaluation(self._evaluation)
            return
        driven = {result.world_name for result in self.state.results}
        track = next((track for track in self.sweep.tracks if track not in driven), None)
        if track is None:
            self._finish()
            return
        run_control.stop(self._base, "evaluation", self.run_id)  # that of a process that was killed
        settings = evaluation_settings(self.folder, self.variant.prefix, track, self.run_id)
        self._set(progress=f"evaluating on {track}")
        self._evaluation = evaluation_start.start(
            settings, self._base, which=cast(Which, self.sweep.checkpoint)
        )

    def _follow_evaluation(self, evaluation: StartedEvaluation) -> None:
        seen = run_control.read(self._base, "evaluation", self.run_id)
        track = str(evaluation.document.values["WORLD_NAME"])
        if seen is None or seen.state == "lost":
            self._evaluation = None
        elif seen.is_orphan and not seen.is_over:
            run_control.revive(self._base, self.run_id, evaluation.settings)
        elif seen.is_over:
            self._end("evaluation", f"evaluation-{track}")
            self._evaluation = None
            if seen.state != "ended":
                self._fail(f"The evaluation on {track} failed: {seen.message}", seen.hint)
                return
            found = evaluation_start.results(evaluation)
            results = (*self.state.results, result_of(track, found["trials"]))
            self._set(results=results, checkpoint=str(found["checkpoint"]), attempts=0, progress="")

    def _finish(self) -> None:
        if self.sweep.keep == "best":
            keep_evaluated(self.folder, self.sweep, self.variant)
        self._read_status()  # the store may have been unreachable when the training ended
        self._set(state="done", ended_at=time.time(), progress="", **self._figures())

    def _settings(self) -> Settings:
        own = [*self.variant.assignments(), Assignment("DR_RUN_ID", str(self.run_id), HERE)]
        return load_settings(self._workspace, [*self.sweep.overrides, *own])

    def _seen(self, kind: RunKind, prefix: str) -> RunView | None:
        """The run if it is this variant's: meanwhile another one may have used its number."""
        folder = RunFolder.of(self._workspace, kind, self.run_id)
        if not folder.exists or folder.read_head().prefix != prefix:
            return None
        return run_control.read(self._workspace, kind, self.run_id)

    def _read_status(self) -> None:
        """An unreachable store is no reason to give up: the run itself says when it is over."""
        with suppress(DrError):
            bucket = bucket_if_running(self._settings(), self._workspace)
            if bucket is not None:
                self.status = read_status(bucket, self.variant.prefix) or self.status

    def _figures(self) -> dict[str, Any]:
        if self.status is None:
            return {}
        trained_s = self.state.earlier_s + self.status.elapsed_s
        return {"steps": self.status.steps, "trained_s": round(trained_s, 1)}

    def _end(self, kind: RunKind, name: str) -> None:
        """Remove an ended run and keep its logs, as the next variant uses its number."""
        run_control.stop(self._workspace, kind, self.run_id)
        logs = RunFolder.of(self._workspace, kind, self.run_id).logs
        if logs.is_dir():
            target = self.variant.logs / name
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(logs, target)


def keep_evaluated(folder: SweepFolder, sweep: Sweep, variant: VariantFolder) -> None:
    """Delete all checkpoints of a model but the one that was evaluated."""
    name = CheckpointName.find(variant.state.checkpoint)
    if name is not None:
        workspace = folder.workspace(variant.path)
        settings = load_settings(workspace, [*sweep.overrides, *variant.assignments()])
        keep_only(open_bucket(settings, workspace), ModelKeys(variant.prefix), name)


def result_of(track: str, trials: list[dict[str, Any]]) -> TrackResult:
    """The result of an evaluation, from its trials."""
    laps = [float(trial["lap_time_s"]) for trial in trials if trial["completion_percentage"] >= 100]
    return TrackResult(
        world_name=track,
        trials=len(trials),
        laps=len(laps),
        completion=round(fmean(float(trial["completion_percentage"]) for trial in trials), 2)
        if trials
        else 0.0,
        best_lap_s=min(laps, default=None),
        mean_lap_s=round(fmean(laps), 3) if laps else None,
        resets=sum(int(trial["reset_count"]) for trial in trials),
        off_track=sum(int(trial["off_track_count"]) for trial in trials),
        crashes=sum(int(trial["crash_count"]) for trial in trials),
    )
