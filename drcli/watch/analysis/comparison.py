"""Models and evaluations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from drcli.watch.recordings.recording import RecordedEvaluation, Recording
from drcli.watch.recordings.trials import Trial


@dataclass(frozen=True)
class EvaluationSummary:
    """The trials of one or more evaluations. completion: mean in %; lap times: of complete laps, in seconds."""

    evaluations: int
    trials: int
    laps: int
    completion: float | None
    best_s: float | None
    mean_s: float | None
    median_s: float | None
    resets: int
    off_track: int
    crashed: int


@dataclass(frozen=True)
class ModelSummary:
    """A model: how long it trained, the best evaluation in its training, and all later evaluations.

    best_progress: mean progress of that evaluation in %; best_lap_s: the fastest lap of any in the training.
    """

    name: str
    world_name: str | None
    iterations: int
    episodes: int
    steps: int
    best_progress: float | None
    best_iteration: int | None
    best_lap_s: float | None
    evaluations: EvaluationSummary


def summary_of_trials(trials: Sequence[Trial], evaluations: int = 1) -> EvaluationSummary:
    """What they say together."""
    laps_s = [trial.time_s for trial in trials if trial.is_lap]
    return EvaluationSummary(
        evaluations=evaluations,
        trials=len(trials),
        laps=len(laps_s),
        completion=fmean(trial.progress for trial in trials) if trials else None,
        best_s=min(laps_s, default=None),
        mean_s=fmean(laps_s) if laps_s else None,
        median_s=median(laps_s) if laps_s else None,
        resets=sum(trial.resets for trial in trials),
        off_track=sum(trial.off_track for trial in trials),
        crashed=sum(trial.crashed for trial in trials),
    )


def summary_of_evaluation(evaluation: RecordedEvaluation) -> EvaluationSummary:
    """Of its trials."""
    return summary_of_trials(evaluation.trials)


def summary_of(recording: Recording) -> ModelSummary:
    """From curve and metrics; reads the traces of evaluations only where metrics are missing."""
    curve = recording.curve
    points = [point for point in curve.points if point.phase != "teacher"]
    best = max(curve.evaluations, key=lambda each: each.progress, default=None)
    trials = [trial for each in recording.evaluations for trial in each.trials]
    return ModelSummary(
        name=recording.name,
        world_name=recording.world_name,
        iterations=len(points),
        episodes=max((point.episodes for point in curve.points), default=0),
        steps=max((point.steps for point in points), default=0),
        best_progress=best.progress if best else None,
        best_iteration=best.iteration if best else None,
        best_lap_s=min((lap for each in curve.evaluations for lap in each.laps_s), default=None),
        evaluations=summary_of_trials(trials, len(recording.evaluations)),
    )


def comparison(recordings: Sequence[Recording]) -> list[ModelSummary]:
    """The models in the order in which they were named."""
    return [summary_of(recording) for recording in recordings]
