"""The best checkpoint so far, by DR_TRAIN_BEST_MODEL_METRIC, the last and the fastest one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex

UNFINISHED_LAP_MS = 999_999  # lap time of an evaluation episode without a lap (community's s3_metrics.py)


class CheckpointRanking:
    """Keeps the index of a run; metric: progress, reward or laptime."""

    def __init__(self, metric: str, index: CheckpointIndex | None) -> None:
        self._metric = metric
        self._index = index
        self._is_best_sound = index is not None and index.best.metric is not None

    def published(self, name: CheckpointName) -> CheckpointIndex:
        """Return the index after `name` was published."""
        best = last = CheckpointEntry(name)
        if self._index is not None and self._index.best.metric is not None:
            best = self._index.best  # otherwise none was evaluated yet: the newest is the best guess
        self._index = CheckpointIndex(best, last, self._index.fastest if self._index else None)
        return self._index

    def evaluated(
        self, name: CheckpointName, episodes: Sequence[Episode], is_sound: bool = True
    ) -> CheckpointIndex:
        """Return the index after `name` was evaluated; of two equally good ones the later is the best.

        is_sound: whether it also drives from perturbed starts. One that does is better than all that do not.
        """
        score = _score(self._metric, episodes)
        entry = CheckpointEntry(name, score, episodes[-1].end_time_s)
        index = self._index or CheckpointIndex(entry, entry)
        sign = -1 if self._metric == "laptime" else 1
        best = index.best
        is_as_good = best.metric is None or sign * score >= sign * best.metric
        if is_sound > self._is_best_sound or (is_sound == self._is_best_sound and is_as_good):
            best, self._is_best_sound = entry, is_sound
        last = entry if index.last.name == name else index.last
        self._index = CheckpointIndex(best, last, _faster(index.fastest, name, episodes))
        return self._index


def _faster(
    fastest: CheckpointEntry | None, name: CheckpointName, episodes: Sequence[Episode]
) -> CheckpointEntry | None:
    """The fastest checkpoint after `name` was evaluated: as the best by lap time, but it has driven a lap."""
    if not any(episode.is_lap for episode in episodes):
        return fastest
    time_ms = _score("laptime", episodes)
    entry = CheckpointEntry(name, time_ms, episodes[-1].end_time_s)
    is_as_fast = fastest is None or fastest.metric is None or time_ms <= fastest.metric
    return entry if is_as_fast else fastest


def _score(metric: str, episodes: Sequence[Episode]) -> float:
    """Mean progress in %, reward, or lap time in ms."""
    if metric == "reward":
        return fmean(episode.reward for episode in episodes)
    if metric == "laptime":
        times = ((e.end_time_s - e.start_time_s) * 1000 for e in episodes)
        return fmean(
            t if e.status == "lap_complete" else UNFINISHED_LAP_MS
            for t, e in zip(times, episodes, strict=True)
        )
    return fmean(episode.progress for episode in episodes)
