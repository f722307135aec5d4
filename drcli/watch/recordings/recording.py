"""A recording: what a model left behind in trainings and evaluations, read when it is asked for.

`recording_sources.opened` finds one; analyses, reports, the viewer and videos read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from drcli.errors import DrError
from drcli.sim.track import Track
from drcli.store.learning_curve import LearningCurve
from drcli.store.metrics import EvaluationMetrics, TrainingMetrics
from drcli.watch.recordings.curve_of_metrics import TrainingResult, curve_of, results_of
from drcli.watch.recordings.recorded_episode import RecordedEpisode, episodes_in
from drcli.watch.recordings.trace_cache import TraceCache
from drcli.watch.recordings.trace_table import read_steps
from drcli.watch.recordings.trials import Trial, trial_of_episode, trial_of_row
from drcli.watch.recordings.world_guess import guess_world

Kind = Literal["training", "evaluation"]
_TRAINING = re.compile(r"(?:(\d{1,3})/)?training-simtrace/(\d{1,6})-iteration\.csv")
_EVALUATION = re.compile(r"evaluation-(\d{14})/evaluation-simtrace/(\d{1,6})-iteration\.csv")
_EVALUATION_METRICS = re.compile(r"metrics/evaluation/evaluation-(\d{14})\.json")
_TRAINING_METRICS = re.compile(r"metrics/TrainingMetrics(?:_(\d{1,3}))?\.json")
_READERS = 8  # objects of a bucket that are fetched side by side


@dataclass(frozen=True)
class RecordedFiles:
    """Where a recording is. versions: name in our layout → what changes when the file does; read: its content."""

    address: str
    versions: Mapping[str, str]
    read: Callable[[str], bytes]


@dataclass(frozen=True)
class RecordedEvaluation:
    """An evaluation. name: the digits of its start; what no document says is None.

    trials: as its metrics say, or its trace if it has none. episodes: those of its trace, read when asked for.
    """

    name: str
    started: datetime
    world_name: str | None
    race_type: str | None
    checkpoint: str | None
    _rows: tuple[Mapping[str, Any], ...]
    _read: Callable[[], tuple[RecordedEpisode, ...]]

    @property
    def episodes(self) -> tuple[RecordedEpisode, ...]:
        """Its trials as they were driven; empty without a trace."""
        return self._read()

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """One for each trial or lap, in order."""
        if not self._rows:
            return tuple(trial_of_episode(n, each) for n, each in enumerate(self.episodes, start=1))
        pauses = {n: each.pause_s for n, each in enumerate(self.episodes, start=1)}
        return tuple(trial_of_row(row, pauses.get(int(row.get("trial", 0)))) for row in self._rows)


class Recording:
    """What is under one prefix. Everything is read when it is first asked for, traces once for each `TraceCache`.

    Raises DrError, with file and line, where a file that is asked for is broken.
    """

    def __init__(self, name: str, files: RecordedFiles, tracks: Path | None, cache: TraceCache) -> None:
        self.name = name
        self.address = files.address
        self.tracks = tracks
        self._files = files
        self._cache = cache

    @property
    def version(self) -> str:
        """Changes when any of its files does."""
        return str(hash(tuple(sorted(self._files.versions.items()))))

    @cached_property
    def world_name(self) -> str | None:
        """The track of the training, or of the last evaluation; by its length if no document names it."""
        return self._param("WORLD_NAME") or self._world_of_evaluations() or self._guessed()

    @cached_property
    def curve(self) -> LearningCurve:
        """As it was recorded; for models of other engines as their metrics tell it."""
        name = "metrics/learning.jsonl"
        if name in self._files.versions:
            return LearningCurve.from_jsonl(self._files.read(name), name)
        return curve_of(self.training)

    @cached_property
    def training(self) -> tuple[TrainingResult, ...]:
        """The rows of the training metrics of all workers, by iteration and worker."""
        found: list[TrainingResult] = []
        for name, match in self._matches(_TRAINING_METRICS):
            metrics = TrainingMetrics.from_json(self._files.read(name), self._where(name))
            found += results_of(metrics.episodes, int(match[1] or 0))
        return tuple(sorted(found, key=lambda result: (result.iteration, result.worker)))

    def episodes(self, kind: Kind = "training") -> tuple[RecordedEpisode, ...]:
        """All that were recorded, by iteration, worker and number; of evaluations, one after the other."""
        if kind == "evaluation":
            return tuple(episode for each in self.evaluations for episode in each.episodes)
        places = {
            name: (int(match[1] or 0), int(match[2])) for name, match in self._matches(_TRAINING)
        }  # worker, iteration
        names = sorted(places, key=lambda name: (places[name][1], places[name][0]))
        with ThreadPoolExecutor(_READERS) as pool:
            parts = pool.map(lambda name: self._trace(name, *places[name]), names)
            return tuple(episode for part in parts for episode in part)

    @cached_property
    def evaluations(self) -> tuple[RecordedEvaluation, ...]:
        """Oldest first."""
        metrics = {match[1]: name for name, match in self._matches(_EVALUATION_METRICS)}
        traces: dict[str, list[str]] = {}
        for name, match in self._matches(_EVALUATION):
            traces.setdefault(match[1], []).append(name)
        found = []
        for stamp in sorted(metrics.keys() | traces.keys()):
            with suppress(ValueError):  # digits that are no time
                started = datetime.strptime(stamp, "%Y%m%d%H%M%S")
                found.append(self._evaluation(stamp, started, metrics.get(stamp), traces.get(stamp, [])))
        return tuple(found)

    def track(self, tracks_url: str) -> Track:
        """The track it was driven on. Raises DrError if it is unknown, or cannot be read or downloaded."""
        from drcli.sim.catalogue import load_track

        if self.world_name is None:
            raise DrError(
                f"No document of {self.address} says on which track it was driven, and none has that length.",
                "Copy the track to the workspace with `dr tracks`, or name it.",
            )
        return load_track(self.world_name, self.tracks, tracks_url)

    def _evaluation(
        self, stamp: str, started: datetime, metrics: str | None, traces: list[str]
    ) -> RecordedEvaluation:
        facts = self.document(f"evaluation-{stamp}/evaluation.json")
        rows = (
            EvaluationMetrics.from_json(self._files.read(metrics), self._where(metrics)).trials
            if metrics
            else []
        )

        def read() -> tuple[RecordedEpisode, ...]:
            return tuple(episode for name in sorted(traces) for episode in self._trace(name, 0, 0))

        return RecordedEvaluation(
            name=stamp,
            started=started,
            world_name=facts.get("world_name"),
            race_type=facts.get("race_type"),
            checkpoint=facts.get("checkpoint"),
            _rows=tuple(rows),
            _read=read,
        )

    def _trace(self, name: str, worker: int, iteration: int) -> tuple[RecordedEpisode, ...]:
        def read() -> tuple[RecordedEpisode, ...]:
            rows = read_steps(self._files.read(name), self._where(name))
            return tuple(episodes_in(rows, worker, iteration))

        return self._cache.get((self.address, name, self._files.versions[name]), read)

    def _matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        for name in self._files.versions:
            if match := pattern.fullmatch(name):
                yield name, match

    def _where(self, name: str) -> str:
        return f"{self.address}/{name}"

    def document(self, name: str) -> Mapping[str, Any]:
        """A file of JSON or YAML; empty if there is none, or something else is in it."""
        import yaml

        read: Any = None
        if name in self._files.versions:
            with suppress(ValueError, yaml.YAMLError):
                text = self._files.read(name)
                read = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
        return read if isinstance(read, dict) else {}

    def _param(self, name: str) -> str | None:
        value = self.document("training_params.yaml").get(name)
        return str(value) if value else None

    def _world_of_evaluations(self) -> str | None:
        worlds = [each.world_name for each in self.evaluations if each.world_name]
        return worlds[-1] if worlds else None

    def _guessed(self) -> str | None:
        for pattern in (_TRAINING, _EVALUATION):
            for name, match in sorted(self._matches(pattern)):
                worker = match[1] if pattern is _TRAINING else None
                for episode in self._trace(name, int(worker or 0), int(match[2])):
                    return guess_world(episode.rows, self.tracks)
        return None
