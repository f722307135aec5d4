"""The marks of an exam: laps from the starts of an evaluation, and laps from perturbed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from drcli.contract.episode import Episode
from drcli.services.shared.protocol import Evaluated


@dataclass(frozen=True)
class Marks:
    """What came of an exam. lap_s: median of the completed laps from the usual starts, None without one."""

    laps: int
    trials: int
    perturbed_laps: int
    failed: int  # perturbed starts without a lap; the exam breaks the others off after the first
    progress_pct: float  # mean of the trials
    reward: float  # mean of the trials
    lap_s: float | None

    @classmethod
    def of(cls, result: Evaluated) -> Marks:
        """Mark the results of an evaluation with perturbed starts."""
        times = [e.end_time_s - e.start_time_s for e in result.episodes if e.is_lap]
        return cls(
            laps=len(times),
            trials=len(result.episodes),
            perturbed_laps=sum(e.is_lap for e in result.perturbed),
            failed=sum(not e.is_lap for e in result.perturbed),
            progress_pct=fmean(e.progress for e in result.episodes),
            reward=fmean(e.reward for e in result.episodes),
            lap_s=median(times) if times else None,
        )

    def is_pass(self, progress_pct: float = 100.0) -> bool:
        """Whether it drives as far as wanted; if that is a whole lap, also from every perturbed start."""
        return self.progress_pct >= progress_pct and (progress_pct < 100 or not self.failed)

    def rank(self, metric: str) -> tuple[float, ...]:
        """For comparing two exams: more laps first, then DR_TRAIN_BEST_MODEL_METRIC."""
        last = {"reward": self.reward, "laptime": -(self.lap_s or 0.0)}.get(metric, 0.0)
        return self.laps / self.trials, float(not self.failed), last

    def __str__(self) -> str:
        askew = "not all" if self.failed else f"{self.perturbed_laps} of {self.perturbed_laps}"
        time = f", {self.lap_s:.1f} s a lap" if self.lap_s is not None else ""
        return f"{self.laps} of {self.trials} laps, {askew} from perturbed starts{time}"


def places(episodes: Sequence[Episode]) -> list[float]:
    """Where episodes ended without a lap, as fractions of the track in the order of its waypoints."""
    return [
        ((1 - e.start_ndist) - e.progress / 100 if e.is_reversed else e.start_ndist + e.progress / 100) % 1.0
        for e in episodes
        if not e.is_lap
    ]
