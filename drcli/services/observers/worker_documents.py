"""The documents of one worker of a training: its metrics and its trace files.

Every trace file (`<i>-iteration.csv`) has the same number of episodes, because the community's analysis tools derive
episode numbers from that (deepracer-utils, `log.py`). If iterations are counted in episodes, it is the worker's share
of an iteration; if they are counted in steps, it is the share it would have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from drcli.contract.episode import Episode, TraceRow
from drcli.store import simtrace
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, TrainingMetrics

_TRACE = re.compile(r".*/(\d+)-iteration\.csv")

Document = tuple[str, Callable[[], bytes]]  # a key, and a function that creates the content


@dataclass
class WorkerDocuments:
    """The episodes of one worker. group: episodes per trace file; trace_key: the key of the i-th file."""

    metrics_key: str
    trace_key: Callable[[int], str]
    group: int
    metrics: TrainingMetrics
    _rows: list[TraceRow] = field(default_factory=list)  # of the unfinished trace file

    @property
    def episode_count(self) -> int:
        """Training episodes so far."""
        return self.metrics.episode_count

    def resume(self, bucket: Bucket, episodes: int) -> None:
        """Restore what an earlier start wrote about the first `episodes` episodes, and drop the rest."""
        if (data := bucket.find(self.metrics_key)) is not None:
            self.metrics = TrainingMetrics.from_json(data, self.metrics_key)
            self.metrics.truncate(episodes)
        current = episodes // self.group
        key = self.trace_key(current)
        if (data := bucket.find(key)) is not None:
            rows = (TraceRow(*row) for row in simtrace.read_csv(data, key))
            self._rows = [row for row in rows if row.episode < episodes]
        folder = key.rpartition("/")[0]
        traces = (_TRACE.fullmatch(info.key) for info in bucket.list(f"{folder}/"))
        bucket.delete(
            trace[0] for trace in traces if trace and int(trace[1]) > current - bool(not self._rows)
        )

    def training(self, episode: Episode) -> Iterator[Document]:
        """Add the next training episode; yields the trace file once it is full."""
        number = self.episode_count
        if number % self.group == 0:
            self.metrics.start_iteration()
        self.metrics.append("training", result_of(episode))
        self._rows += [row._replace(episode=number) for row in episode.rows]
        if self.episode_count % self.group == 0:
            yield self._trace(number)
            self._rows = []

    def evaluation(self, episodes: Sequence[Episode]) -> None:
        """Add greedy episodes of an evaluation; they appear in the metrics only."""
        for episode in episodes:
            self.metrics.append("evaluation", result_of(episode))

    def unfinished(self) -> Iterator[Document]:
        """The documents that are still growing, in their current state."""
        snapshot = replace(self.metrics, episodes=list(self.metrics.episodes))
        yield self.metrics_key, snapshot.to_json
        if self._rows:
            yield self._trace(self.episode_count - 1)

    def _trace(self, episode: int) -> Document:
        return self.trace_key(episode // self.group), partial(simtrace.format_csv, tuple(self._rows))


def result_of(episode: Episode) -> EpisodeResult:
    """An episode in the terms of a metrics document."""
    return EpisodeResult(
        episode.reward, episode.progress, episode.status, episode.start_time_s, episode.end_time_s
    )
