"""What a dashboard shows of a run at one moment. Nothing here is text for a terminal yet; None is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from drcli.launch.run_view import ReplicaView


@dataclass(frozen=True)
class Curve:
    """A figure over time, oldest first. low, high: the ends of its scale if they are fixed."""

    name: str
    values: tuple[float, ...]
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.values[-1] if self.values else None


@dataclass(frozen=True)
class Laps:
    """An evaluation: mean progress of its trials in %, seconds of each complete lap. checkpoint: empty if unknown."""

    checkpoint: str
    progress: float
    trials: int
    laps_s: tuple[float, ...] = ()
    is_best: bool = False

    @property
    def fastest_s(self) -> float | None:
        """Seconds of the fastest lap."""
        return min(self.laps_s, default=None)

    @property
    def mean_s(self) -> float | None:
        """Seconds of a lap on average."""
        return fmean(self.laps_s) if self.laps_s else None


@dataclass(frozen=True)
class TimeLeft:
    """The run ends at the latest in so many seconds, because of a limit: the setting's or hyperparameter's name."""

    seconds: float
    limit: str


@dataclass(frozen=True)
class Dashboard:
    """One picture of a run.

    state: of the run, one word; activity: what happens in it, a sentence; marks: who was examined, and how it went;
    teacher_steps: of a guided training; notes: what the user should know, such as errors and their fixes.
    """

    kind: str
    model: str
    world_name: str
    run_id: int
    state: str
    activity: str = ""
    iteration: int | None = None
    episodes: int | None = None
    steps: int | None = None
    teacher_steps: int | None = None
    steps_per_s: float | None = None
    real_time_factor: float | None = None
    elapsed_s: float | None = None
    left: TimeLeft | None = None
    learning: tuple[Curve, ...] = ()
    losses: tuple[Curve, ...] = ()
    evaluations: tuple[Laps, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    best_checkpoint: str | None = None
    best_metric: float | None = None
    last_checkpoint: str | None = None
    services: tuple[ReplicaView, ...] = ()
    notes: tuple[str, ...] = ()
