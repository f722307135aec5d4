"""Lines of the trainer's log in the form of rl_coach's screen log, which deepracer tools parse."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from drcli.contract.episode import Episode
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    Lesson,
    ObservedTraining,
    Observer,
    RunEnd,
    Update,
)
from drcli.services.shared import service_log
from drcli.tables import ALGORITHMS


class CoachLog(Observer):
    """Logs the result of each iteration and each evaluation."""

    roles = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        logged = ALGORITHMS.load(run.metadata.training_algorithm).logged
        self._names = {**logged, "divergence": "Divergence from the teacher"}

    def on_update(self, update: Update) -> None:
        """Log one line per epoch and one for the iteration."""
        for epoch, stats in enumerate(update.epochs):
            values: dict[str, object] = {
                name: stats[key] for key, name in self._names.items() if key in stats
            }
            lr = self._run.hyperparameters.lr
            coach_line("Policy training", values | {"training epoch": epoch, "learning_rate": lr})
        counters = self._run.counters
        coach_line(
            "Training",
            {
                "Name": "main_level/agent",
                "Worker": 0,
                "Episode": counters.total_episodes,
                "Total reward": round(update.reward or 0.0, 2),
                "Steps": counters.steps,
                "Training iteration": counters.iteration,
            },
        )

    def on_lesson(self, lesson: Lesson) -> None:
        """Log the teacher's iteration: nothing that tools would take for the model's."""
        ends = [episode.progress for episode in lesson.episodes]
        mean = f", at {fmean(ends):.0f} % on average" if ends else ""
        service_log.line(
            f"Teacher> {lesson.steps} steps"
            + (f"; {len(lesson.episodes)} episodes ended{mean}." if mean else ".")
        )

    def on_examined(self, who: str, marks: str, is_pass: bool) -> None:
        """Log the marks."""
        service_log.line(f"{who.capitalize()}> drives {marks}: {'passed' if is_pass else 'not yet'}.")

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Log the progress of each episode and their mean."""
        service_log.line(selection_line(evaluated.episodes))
        service_log.line(
            f"Evaluation of checkpoint {evaluated.name}: mean progress {evaluated.progress_pct:.1f} %."
        )

    def on_end(self, end: RunEnd) -> None:
        """Log why the run is over; a failure is logged by the program itself."""
        if end.state != "failed":
            service_log.line(f"The run has {end.state}: {end.reason}.")


def selection_line(episodes: Sequence[Episode]) -> str:
    """The progress of each episode of an evaluation; the community's workers log it, and tools look for it."""
    progress = [round(episode.progress, 2) for episode in episodes]
    return (
        f"[BestModelSelection] Number of evaluations: {len(progress)} Evaluation episode progress: {progress}"
    )


def coach_line(prefix: str, values: dict[str, object]) -> None:
    """`prefix> k=v, k=v`."""
    service_log.line(f"{prefix}> " + ", ".join(f"{key}={value}" for key, value in values.items()))
