"""When a run is over: evaluation progress, minutes, episodes, score, or a request."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from statistics import fmean

from drcli.store.run_status import ON_REQUEST

IN_A_ROW = 3  # consecutive evaluations that must reach the wanted progress


@dataclass
class StopConditions:
    """Limits of a run, and the state they are compared with.

    stop_progress_pct: mean evaluation progress to reach `IN_A_ROW` times running, None for never;
    max_minutes: wall-clock time since the first training step, None for no limit; trained_s: the part of it that
    earlier starts of the trainer used up; max_episodes, average_score: term_cond_max_episodes and
    term_cond_avg_score of hyperparameters.json, the latter over the last `window` training episodes.
    """

    stop_progress_pct: float | None
    max_minutes: float | None
    max_episodes: int
    average_score: float
    window: int = 20
    trained_s: float = 0.0
    requested: bool = False
    passed: str = ""  # by which judgement the model is good enough
    _since: float | None = None  # when the clock was started, by the monotonic clock
    _in_a_row: int = 0
    _scores: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self._scores = deque(maxlen=self.window)

    @property
    def elapsed_s(self) -> float:
        """How long the run has trained, over all starts of the trainer."""
        return self.trained_s + (time.monotonic() - self._since if self._since is not None else 0.0)

    @property
    def recent_score(self) -> float | None:
        """Mean reward of the last training episodes; None before the first."""
        return fmean(self._scores) if self._scores else None

    @property
    def is_reached_by_progress(self) -> bool:
        """Whether evaluations have reached the wanted progress."""
        return bool(self.passed) or self._in_a_row >= IN_A_ROW

    def start_clock(self) -> None:
        """Start counting minutes; later calls have no effect."""
        if self._since is None:
            self._since = time.monotonic()

    def episode(self, reward: float) -> None:
        """Count a training episode."""
        self._scores.append(reward)

    def evaluation(self, progress_pct: float) -> None:
        """Count an evaluation with this mean progress."""
        reached = self.stop_progress_pct is not None and progress_pct >= self.stop_progress_pct
        self._in_a_row = self._in_a_row + 1 if reached else 0

    def reason(self, episodes: int) -> str:
        """Return why the run is over after this number of training episodes; empty while it is not."""
        if self.requested:
            return ON_REQUEST
        if self.passed:
            return self.passed
        if self.is_reached_by_progress:
            return f"evaluation progress reached {self.stop_progress_pct:g} % {IN_A_ROW} times in a row"
        if self.max_minutes is not None and self.elapsed_s > self.max_minutes * 60:
            return f"{self.max_minutes:g} minutes are over (DR_TRAIN_MAX_MINUTES)"
        if episodes >= self.max_episodes:
            return f"{self.max_episodes} training episodes are driven (term_cond_max_episodes)"
        score = self.recent_score
        if len(self._scores) == self.window and score is not None and score >= self.average_score:
            return f"the mean reward of {self.window} episodes reached {score:.1f} (term_cond_avg_score)"
        return ""
