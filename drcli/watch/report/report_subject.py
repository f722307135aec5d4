"""What a report is about: one recording, and from it what pictures and tables need, each thing read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from drcli.errors import DrError
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.store.learning_curve import LearningCurve
from drcli.watch.figures.drawing import NoData
from drcli.watch.recordings.recorded_episode import RecordedEpisode
from drcli.watch.recordings.recording import RecordedEvaluation, Recording


class Subject:
    """A recorded model. tell: hears what is being read, as reading traces may take seconds."""

    def __init__(self, recording: Recording, tracks_url: str, tell: Callable[[str], None]) -> None:
        self.recording = recording
        self._tracks_url = tracks_url
        self._tell = tell

    @property
    def name(self) -> str:
        """What it is called in tables and legends."""
        return self.recording.name

    @property
    def curve(self) -> LearningCurve:
        """How the training went."""
        return self.recording.curve

    @cached_property
    def evaluations(self) -> tuple[RecordedEvaluation, ...]:
        """Oldest first."""
        self._tell(f"Reading the evaluations of {self.name}")
        return self.recording.evaluations

    @cached_property
    def training_episodes(self) -> tuple[RecordedEpisode, ...]:
        """All that were recorded in the training."""
        self._tell(f"Reading the training of {self.name}")
        return self.recording.episodes("training")

    @property
    def source(self) -> str:
        """What `episodes` are: `training` or `evaluation`."""
        return "training" if self.training_episodes else "evaluation"

    @cached_property
    def episodes(self) -> tuple[RecordedEpisode, ...]:
        """Those of the training; without one, of the evaluations on the track of the last one. On `track`."""
        if self.training_episodes:
            return self.training_episodes
        return tuple(
            episode
            for evaluation in self.evaluations
            if self._world_of(evaluation) == self.world_name
            for episode in evaluation.episodes
        )

    @cached_property
    def world_name(self) -> str | None:
        """The track of `episodes`."""
        if self.training_episodes or not self.evaluations:
            return self.recording.world_name
        return self._world_of(self.evaluations[-1])

    @cached_property
    def track(self) -> Track:
        """The track of `episodes`. Raises NoData if it is unknown."""
        if self.world_name is None:
            raise NoData("no document says on which track it was driven, and no known track has that length")
        try:
            return load_track(self.world_name, self.recording.tracks, self._tracks_url)
        except DrError as error:
            raise NoData(f"its track cannot be read ({error.message})") from error

    @property
    def lap_times(self) -> list[tuple[str, list[float]]]:
        """Seconds of complete laps, in training and in each evaluation."""
        groups = [("training", [each.time_s for each in self.training_episodes if each.is_lap])]
        for evaluation in self.evaluations[-4:]:
            laps_s = [trial.time_s for trial in evaluation.trials if trial.is_lap]
            groups.append((f"evaluation {evaluation.started:%Y-%m-%d %H:%M}", laps_s))
        if not any(laps_s for _, laps_s in groups):
            groups = [("exams", [lap for each in self.curve.evaluations for lap in each.laps_s])]
        return groups

    def _world_of(self, evaluation: RecordedEvaluation) -> str | None:
        return evaluation.world_name or self.recording.world_name
