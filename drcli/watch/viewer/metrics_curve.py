"""A learning curve from the metrics of episodes, for engines that write no curve of their own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from drcli.store.learning_curve import EvaluationPoint, LearningCurve, LearningPoint
from drcli.store.metrics import STATUS_LABELS, TrainingEpisode, TrainingMetrics

_LAP = STATUS_LABELS["lap_complete"]


def curve_of(workers: Sequence[TrainingMetrics]) -> LearningCurve:
    """A point for each iteration and each evaluation, over all workers.

    Of these only what the metrics contain is known: `at` is simulated time, steps are 0, checkpoints have no name.
    """
    curve = LearningCurve()
    per_worker = [list(_iterations(worker.episodes)) for worker in workers]
    episodes = 0
    for iteration in range(max(map(len, per_worker), default=0)):
        rows = [row for parts in per_worker if iteration < len(parts) for row in parts[iteration]]
        trained = [row for row in rows if row.phase == "training"]
        episodes += len(trained)
        if trained:
            curve.points.append(_point(iteration, episodes, trained))
        driven = [row for row in rows if row.phase == "evaluation"]
        if driven:
            curve.evaluations.append(_evaluation(iteration, driven))
    return curve


def _iterations(rows: Iterable[TrainingEpisode]) -> Iterable[list[TrainingEpisode]]:
    """Rows by iteration: a training episode after an evaluation, or with trial 1, begins the next one."""
    part: list[TrainingEpisode] = []
    for row in rows:
        begins = row.phase == "training" and (row.trial <= 1 or (part and part[-1].phase == "evaluation"))
        if begins and part:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _point(iteration: int, episodes: int, rows: list[TrainingEpisode]) -> LearningPoint:
    return LearningPoint(
        phase="pixels",
        iteration=iteration,
        steps=0,
        episodes=episodes,
        at=rows[-1].metric_time / 1000,
        reward=fmean(row.reward_score for row in rows),
        progress=fmean(row.completion_percentage for row in rows),
    )


def _evaluation(iteration: int, rows: list[TrainingEpisode]) -> EvaluationPoint:
    laps_ms = [row.elapsed_time_in_milliseconds for row in rows if row.episode_status == _LAP]
    return EvaluationPoint(
        checkpoint="",
        best_checkpoint="",
        iteration=iteration,
        steps=0,
        at=rows[-1].metric_time / 1000,
        trials=len(rows),
        progress=fmean(row.completion_percentage for row in rows),
        reward=fmean(row.reward_score for row in rows),
        laps_s=tuple(each / 1000 for each in laps_ms),
    )
