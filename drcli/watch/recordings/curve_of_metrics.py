"""The rows of training metrics by iteration, and the learning curve that they tell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from drcli.sim.constants import STEP_S
from drcli.store.learning_curve import EvaluationPoint, LearningCurve, LearningPoint
from drcli.store.metrics import TrainingEpisode


@dataclass(frozen=True)
class TrainingResult:
    """A row of the training metrics: of which worker, and in which iteration since the metrics begin."""

    worker: int
    iteration: int
    episode: TrainingEpisode

    @property
    def is_evaluation(self) -> bool:
        """Whether it is of an evaluation between two iterations."""
        return self.episode.phase == "evaluation"


def results_of(rows: Iterable[TrainingEpisode], worker: int) -> Iterator[TrainingResult]:
    """The rows of one worker with their iterations: a new one begins where trials are counted from 1 again."""
    iteration, before = 0, 0
    for row in rows:
        if row.phase == "training":
            iteration += row.trial <= before
            before = row.trial
        yield TrainingResult(worker, iteration, row)


def curve_of(results: Sequence[TrainingResult]) -> LearningCurve:
    """Means by iteration of the results of all workers, in the order of iterations.

    Metrics contain neither the number of steps nor checkpoints: steps are those that fit into the simulated time,
    times are simulated, and evaluations have checkpoints without names.
    """
    curve, steps, episodes = LearningCurve(), 0, 0
    for iteration, group in groupby(results, key=lambda result: result.iteration):
        rows = [*group]
        driven = [result.episode for result in rows if not result.is_evaluation]
        exam = [result.episode for result in rows if result.is_evaluation]
        at = max(result.episode.metric_time for result in rows) / 1000
        steps += sum(round(row.elapsed_time_in_milliseconds / 1000 / STEP_S) for row in driven)
        episodes += len(driven)
        if driven:
            reward, progress = _means(driven)
            curve.points.append(LearningPoint("pixels", iteration, steps, episodes, at, reward, progress))
        if exam:
            reward, progress = _means(exam)
            laps = [row for row in exam if row.completion_percentage >= 100]
            laps_s = tuple(row.elapsed_time_in_milliseconds / 1000 for row in laps)
            curve.evaluations.append(
                EvaluationPoint("", "", iteration, steps, at, len(exam), progress, reward, laps_s)
            )
    return curve


def _means(rows: Sequence[TrainingEpisode]) -> tuple[float, float]:
    """Of reward and progress."""
    return fmean(row.reward_score for row in rows), fmean(row.completion_percentage for row in rows)
