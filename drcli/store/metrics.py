"""Metrics documents: the result of each episode of a training and each trial of an evaluation.

Keys, types and order of deepracer-simapp `markov/metrics/s3_metrics.py`; read by deepracer-utils.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from drcli.errors import DrError

VERSION = 2.0

# episode_status of the simtrace → the label in the metrics
STATUS_LABELS = {
    "lap_complete": "Lap complete",
    "crashed": "Crashed",
    "off_track": "Off track",
    "immobilized": "Immobilized",
    "in_progress": "In progress",
    "pause": "Pause",
    "reversed": "Reversed",
    "park": "Park",
    "time_up": "Time Up",
    "prepare": "Prepare",
}

Phase = Literal["training", "evaluation"]


@dataclass(frozen=True)
class EpisodeResult:
    """The result of an episode or a trial: sum of rewards, progress in percent, status as in the simtrace.

    `start_s` and `end_s` are simulated time, from the reset to the last step, pauses included.
    """

    reward: float
    progress_pct: float
    status: str
    start_s: float
    end_s: float

    @property
    def start_ms(self) -> int:
        """Simulated time of the reset."""
        return round(self.start_s * 1000)

    @property
    def end_ms(self) -> int:
        """Simulated time of the last step."""
        return round(self.end_s * 1000)


@dataclass(frozen=True)
class TrainingEpisode:
    """One row. `episode`: training episodes so far; `trial`: those of this iteration."""

    reward_score: int
    metric_time: int
    start_time: int
    elapsed_time_in_milliseconds: int
    episode: int
    trial: int
    phase: Phase
    completion_percentage: int
    episode_status: str


@dataclass
class TrainingMetrics:
    """TrainingMetrics.json of one worker. An evaluation repeats the last training row's episode and trial.

    Before the first one its trial is 1: deepracer-utils divides by the highest (`deepracer/logs/metrics.py`).
    """

    best_model_metric: str = "progress"
    episodes: list[TrainingEpisode] = field(default_factory=list)
    trial: int = 0

    @property
    def episode_count(self) -> int:
        """Training episodes so far."""
        return self.episodes[-1].episode if self.episodes else 0

    def start_iteration(self) -> None:
        """Restart counting trials from 1."""
        self.trial = 0

    def append(self, phase: Phase, result: EpisodeResult) -> None:
        """Add the row of an episode that has ended."""
        training = phase == "training"
        self.trial += training
        self.episodes.append(
            TrainingEpisode(
                reward_score=round(result.reward),
                metric_time=result.end_ms,
                start_time=result.start_ms,
                elapsed_time_in_milliseconds=result.end_ms - result.start_ms,
                episode=self.episode_count + training,
                trial=max(1, self.trial),
                phase=phase,
                completion_percentage=int(result.progress_pct),
                episode_status=STATUS_LABELS[result.status],
            )
        )

    def truncate(self, episodes: int) -> None:
        """Drop what came after training episode `episodes`, where a run resumes.

        The evaluations that followed that episode are kept.
        """
        self.episodes = [row for row in self.episodes if row.episode <= episodes]
        self.trial = self.episodes[-1].trial if self.episode_count else 0

    def to_json(self) -> bytes:
        """The document."""
        rows = [vars(row) for row in self.episodes]
        document = {"metrics": rows, "version": VERSION, "best_model_metric": self.best_model_metric}
        return json.dumps(document).encode()

    @classmethod
    def from_json(cls, data: bytes, where: str = "TrainingMetrics.json") -> TrainingMetrics:
        """Load a document of any engine. Raises DrError, which names `where`, if it is broken."""
        document = _parse(data, where)
        try:
            names = [column.name for column in fields(TrainingEpisode)]
            rows = [TrainingEpisode(**{name: row[name] for name in names}) for row in document["metrics"]]
        except (KeyError, TypeError) as error:
            raise DrError(f"{where} is broken: {error!r}.") from error
        trial = rows[-1].trial if rows and rows[-1].episode else 0
        return cls(str(document.get("best_model_metric", "progress")), rows, trial)

    def evaluations(self) -> list[list[TrainingEpisode]]:
        """Rows of evaluations, grouped by checkpoint, in order."""
        groups: dict[int, list[TrainingEpisode]] = {}
        for row in self.episodes:
            if row.phase == "evaluation":
                groups.setdefault(row.episode, []).append(row)
        return list(groups.values())


@dataclass(frozen=True)
class Incidents:
    """How often each fault happened in a trial: steps with that status, each leading to a reset."""

    crash_count: int = 0
    immobilized_count: int = 0
    off_track_count: int = 0
    reversed_count: int = 0

    @property
    def reset_count(self) -> int:
        """The number of all faults."""
        return self.crash_count + self.immobilized_count + self.off_track_count + self.reversed_count


@dataclass
class EvaluationMetrics:
    """The document of an evaluation job: one row per trial."""

    trials: list[dict[str, int | str]] = field(default_factory=list)

    def append(self, result: EpisodeResult, incidents: Incidents) -> None:
        """Add the row of a trial that has ended."""
        self.trials.append(
            {
                "completion_percentage": int(result.progress_pct),
                "metric_time": result.end_ms,
                "start_time": result.start_ms,
                "elapsed_time_in_milliseconds": result.end_ms - result.start_ms,
                "episode_status": STATUS_LABELS[result.status],
                **vars(incidents),
                "reset_count": incidents.reset_count,
                "trial": len(self.trials) + 1,
            }
        )

    def to_json(self) -> bytes:
        """The document."""
        return json.dumps({"metrics": self.trials}).encode()

    @classmethod
    def from_json(cls, data: bytes, where: str = "evaluation metrics") -> EvaluationMetrics:
        """Load a document. Raises DrError, which names `where`, if it is broken."""
        return cls([dict(row) for row in _parse(data, where)["metrics"]])


def _parse(data: bytes, where: str) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise DrError(f"{where} is not JSON: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("metrics"), list):
        raise DrError(f"{where} has no list of metrics.")
    return document
