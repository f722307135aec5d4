"""What the panels Track, Episodes, Evaluations and Compare show, as documents for JSON. Blocks: for threads."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any

import numpy as np

from drcli.errors import UsageError
from drcli.sim.track import Track
from drcli.store import transfer
from drcli.watch.analysis import comparison, driven_lines, lap_times, turn_actions
from drcli.watch.recordings.recorded_episode import RecordedEpisode
from drcli.watch.recordings.recording import RecordedEvaluation, Recording
from drcli.watch.recordings.recording_sources import recording_of
from drcli.watch.recordings.step_params import nose_at, params_at
from drcli.watch.recordings.trace_cache import TraceCache
from drcli.watch.viewer.viewer_context import ViewerContext

Document = Mapping[str, Any]
_MOST_MODELS = 8  # compared at once
_KEPT = 24  # answers that are kept until a file changes
_REPLAYED = ("X", "Y", "yaw", "steer", "throttle", "action", "reward", "progress", "episode_status", "tstamp")


class RecordedModels:
    """The models of the workspace's bucket. Thread-safe; traces and answers are kept while their files are the same."""

    def __init__(self, context: ViewerContext) -> None:
        self._context = context
        self._traces = TraceCache()
        self._answers: OrderedDict[tuple[str, ...], Document] = OrderedDict()
        self._lock = Lock()

    def track(self, model: str, evaluation: str, sectors: int) -> Document:
        """Everything about the track of a model's training, or of one evaluation."""
        recording = self._recording(model)

        def read() -> Document:
            episodes = _episodes(recording, evaluation)
            track = self._track(recording, evaluation)
            return {
                "track": driven_lines.track_map(track),
                "lines": driven_lines.typical_lines(episodes),
                "ends": driven_lines.end_points(episodes),
                "rewards": driven_lines.rewards_by_waypoint(track, episodes),
                "actions": turn_actions.actions_by_turn(track, episodes),
                "sectors": lap_times.sector_table(track, episodes, sectors),
                "fastest_and_median": lap_times.fastest_and_median(track, episodes),
                "laps": lap_times.lap_distribution(episodes),
                "iterations": lap_times.progress_by_iteration(episodes),
            }

        return self._kept(("track", recording.address, recording.version, evaluation, str(sectors)), read)

    def episodes(self, model: str, evaluation: str) -> Document:
        """The list of episodes, one row each."""
        rows = [
            {
                "name": each.name,
                "iteration": each.iteration,
                "worker": each.worker,
                "number": each.number,
                "steps": len(each.rows),
                "status": each.status,
                "progress": each.progress,
                "reward": each.total_reward,
                "time_s": each.time_s,
                "is_lap": each.is_lap,
            }
            for each in _episodes(self._recording(model), evaluation)
        ]
        return {"episodes": rows}

    def episode(self, model: str, evaluation: str, name: str) -> Document:
        """The steps of an episode by column, and the track, for replay."""
        recording = self._recording(model)
        episode = _named(_episodes(recording, evaluation), name)
        columns = {column: episode.rows[column] for column in _REPLAYED}
        return {
            "name": name,
            "status": episode.status,
            "began_s": episode.began_s,
            "track": driven_lines.track_map(self._track(recording, evaluation)),
            "steps": columns,
        }

    def params(self, model: str, evaluation: str, name: str, step: int) -> Document:
        """What the reward function was told in a step, without the waypoints, which are the track's."""
        recording, episode = self._step(model, evaluation, name, step)
        params = params_at(self._track(recording, evaluation), episode, step)
        return {"params": {key: value for key, value in params.items() if key != "waypoints"}}

    def picture(self, model: str, evaluation: str, name: str, step: int) -> bytes:
        """What the front camera saw at the pose of a step: PNG, in grey, as the network got it."""
        from PIL import Image

        from drcli.sim.pose_files import pictures_at

        recording, episode = self._step(model, evaluation, name, step)
        (picture,) = pictures_at(self._track(recording, evaluation), [nose_at(episode, step)])
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "PNG")
        return out.getvalue()

    def evaluations(self, model: str) -> Document:
        """All evaluations of a model with their trials, the newest first."""
        found = self._recording(model).evaluations
        return {"evaluations": [_evaluation(each) for each in reversed(found)]}

    def compared(self, models: Sequence[str]) -> Document:
        """Summaries of several models, the curves of their trainings, and each of their evaluations."""
        if len(models) > _MOST_MODELS:
            raise UsageError(f"{len(models)} models are too many.", f"Compare at most {_MOST_MODELS}.")
        recordings = [self._recording(model) for model in dict.fromkeys(models)]
        curves = {each.name: each.curve.evaluations for each in recordings}
        return {
            "models": comparison.comparison(recordings),
            "curves": curves,
            "evaluations": [
                {"model": recording.name, **_evaluation(each)}
                for recording in recordings
                for each in recording.evaluations
            ],
        }

    def _recording(self, model: str) -> Recording:
        settings, workspace = self._context.settings, self._context.workspace
        prefix = transfer.prefix_of(model)
        is_own = prefix == settings.local_s3_model_prefix
        metrics = settings.local_s3_metrics_prefix if is_own else f"{prefix}/metrics"
        return recording_of(self._context.bucket(), prefix, metrics, workspace.tracks, self._traces)

    def _track(self, recording: Recording, evaluation: str) -> Track:
        from drcli.sim.catalogue import load_track

        world = _evaluation_of(recording, evaluation).world_name if evaluation else None
        url = self._context.settings.tracks_url
        return load_track(world, recording.tracks, url) if world else recording.track(url)

    def _step(self, model: str, evaluation: str, name: str, step: int) -> tuple[Recording, RecordedEpisode]:
        recording = self._recording(model)
        episode = _named(_episodes(recording, evaluation), name)
        if not 0 <= step < len(episode.rows):
            raise UsageError(f"Episode {name} has no step {step}.", f"It has {len(episode.rows)}, from 0.")
        return recording, episode

    def _kept(self, key: tuple[str, ...], read: Callable[[], Document]) -> Document:
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        document = read()
        with self._lock:
            self._answers[key] = document
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return document


def as_json(value: Any) -> Any:
    """Records and arrays as objects and lists; numbers with four decimals, which is 0.1 mm."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 4)
    return value.item() if isinstance(value, np.generic) else value


def _episodes(recording: Recording, evaluation: str) -> Sequence[RecordedEpisode]:
    return _evaluation_of(recording, evaluation).episodes if evaluation else recording.episodes()


def _evaluation_of(recording: Recording, name: str) -> RecordedEvaluation:
    for each in recording.evaluations:
        if each.name == name:
            return each
    raise UsageError(f"{recording.name} has no evaluation {name}.", "`dr evaluations` lists them.")


def _named(episodes: Sequence[RecordedEpisode], name: str) -> RecordedEpisode:
    for episode in episodes:
        if episode.name == name:
            return episode
    raise UsageError(f"There is no episode {name}.", "It may have been trained over since the list was read.")


def _evaluation(each: RecordedEvaluation) -> Document:
    return {
        "name": each.name,
        "started": each.started.isoformat(timespec="seconds"),
        "world_name": each.world_name,
        "race_type": each.race_type,
        "checkpoint": each.checkpoint,
        "trials": each.trials,
        "summary": comparison.summary_of_evaluation(each),
    }
