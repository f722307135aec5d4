"""Videos of what a model left behind, made from traces alone: `dr video`. Of any engine, wherever it is."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.sim.catalogue import load_track
from drcli.watch.recordings.recorded_episode import RecordedEpisode
from drcli.watch.recordings.recording import Recording
from drcli.watch.recordings.recording_sources import opened
from drcli.watch.videos.drive import Drive, FilmedCar, moments, trial_labels
from drcli.watch.videos.filming import Take, Tell, film
from drcli.watch.videos.recorded_race import cars_of, drives_of, has_objects
from drcli.watch.videos.shots import video_name
from drcli.watch.videos.video_writer import FPS

_EVALUATION = re.compile(r"(?P<model>.+?)/evaluation-(?P<name>\d{14})/?")
_LISTED = 5


@dataclass(frozen=True)
class WantedVideo:
    """What to film. model: as `opened` takes it, or with /evaluation-<time> at its end; "" is that of the workspace.

    evaluation: digits of its start, or `last`; trial: one of it; episode: of the training, as
    iteration-worker-number, or `fastest`. Without any of them the last evaluation, else the fastest lap.
    views: of the painter; folder: where the videos go, by default below data/videos.
    """

    model: str
    evaluation: str = ""
    trial: int = 0
    episode: str = ""
    views: tuple[str, ...] = ("camera", "behind", "above")
    folder: Path | None = None


@dataclass(frozen=True)
class MadeVideos:
    """Files by view, what they show, how long they are and how long they took; notes: what is missing in them."""

    model: str
    shows: str
    world_name: str
    paths: dict[str, Path]
    seconds: float
    took_s: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Choice:
    name: str  # of a folder
    shows: str
    drives: tuple[Drive, ...]
    world_name: str | None
    notes: tuple[str, ...] = ()


def make_videos(settings: Settings, workspace: Workspace, wanted: WantedVideo, tell: Tell) -> MadeVideos:
    """Make them; tell: hears how many frames are done.

    Raises:
        UsageError: there is no such model, evaluation, trial or episode.
        DrError: something cannot be read or written, or the track is unknown.
    """
    began = time.monotonic()
    where, evaluation = _split(wanted.model or settings.local_s3_model_prefix, wanted.evaluation)
    with opened(settings, workspace, where) as recording:
        choice = _chosen(recording, wanted, evaluation, (settings, workspace))
        track = (
            load_track(choice.world_name, workspace.tracks, settings.tracks_url)
            if choice.world_name
            else recording.track(settings.tracks_url)
        )
        frames = tuple(moments(choice.drives))
        model = recording.name
        folder = wanted.folder or workspace.videos / re.sub(r"[^\w.-]+", "-", model) / choice.name
    paths = {view: folder / video_name(view) for view in wanted.views}
    film(track, [Take(view, frames, path) for view, path in paths.items()], tell)
    took_s = time.monotonic() - began
    return MadeVideos(model, choice.shows, track.name, paths, len(frames) / FPS, took_s, choice.notes)


def _split(where: str, evaluation: str) -> tuple[str, str]:
    """The model and the evaluation that are meant."""
    match = _EVALUATION.fullmatch(where)
    if match is None:
        return where, evaluation
    if evaluation:
        raise UsageError(f"{where} names an evaluation, and so does --evaluation.", "Use one of them.")
    return match["model"], match["name"]


def _chosen(
    recording: Recording, wanted: WantedVideo, evaluation: str, at: tuple[Settings, Workspace]
) -> _Choice:
    if wanted.episode and (evaluation or wanted.trial):
        raise UsageError("--episode is one of the training.", "A trial of an evaluation is --trial.")
    if wanted.episode:
        return _of_episode(recording, _episode(recording, wanted.episode))
    filmable = [each for each in recording.evaluations if each.episodes]
    if evaluation or wanted.trial or filmable:
        return _of_evaluation(recording, evaluation, wanted.trial, at)
    if not recording.episodes():
        raise DrError(
            f"{recording.address} has no simtraces, only metrics.", "Videos are made from simtraces."
        )
    return _of_episode(recording, _episode(recording, "fastest"))


def _episode(recording: Recording, name: str) -> RecordedEpisode:
    episodes = recording.episodes()
    if name == "fastest" and episodes:
        laps = [each for each in episodes if each.is_lap]
        return (
            min(laps, key=lambda lap: lap.time_s) if laps else max(episodes, key=lambda each: each.progress)
        )
    found = next((each for each in episodes if each.name == name), None)
    if found is None:
        some = ", ".join(each.name for each in episodes[-_LISTED:])
        raise UsageError(
            f"There is no episode {name}.",
            f"Episodes are named ITERATION-WORKER-NUMBER; the last ones: {some}."
            if some
            else "There are none.",
        )
    return found


def _of_episode(recording: Recording, episode: RecordedEpisode) -> _Choice:
    (look,) = cars_of(recording, "", 1)
    drive = Drive((FilmedCar(look, (episode,), (f"episode {episode.name}",)),))
    shows = f"episode {episode.name}, {_end(episode)}"
    return _Choice(f"episode-{episode.name}", shows, (drive,), recording.world_name)


def _of_evaluation(recording: Recording, name: str, trial: int, at: tuple[Settings, Workspace]) -> _Choice:
    filmable = [each for each in recording.evaluations if each.episodes]
    found = filmable if name in ("", "last") else [each for each in filmable if each.name == name]
    if not found:
        names = ", ".join(each.name for each in filmable[-_LISTED:])
        raise UsageError(
            f"There is no evaluation {name} with a simtrace.".replace("  ", " "),
            f"The last ones: {names}." if names else "`dr evaluate` evaluates a model.",
        )
    evaluation = found[-1]
    if trial and not 0 < trial <= len(evaluation.episodes):
        raise UsageError(f"There is no trial {trial}.", f"The evaluation has {len(evaluation.episodes)}.")
    drives, notes = drives_of(recording, evaluation, at)
    if trial:
        (look,) = cars_of(recording, evaluation.name, 1)
        lap = evaluation.episodes[trial - 1]
        labels = trial_labels(trial, 1, len(evaluation.episodes))
        drives, notes = [Drive((FilmedCar(look, (lap,), labels),))], has_objects(evaluation)
    part = f"-trial-{trial}" if trial else ""
    count = len(evaluation.episodes)
    shows = f"trial {trial} of " if trial else f"{count} trial{'s' * (count > 1)} of "
    return _Choice(
        f"evaluation-{evaluation.name}{part}",
        f"{shows}the evaluation {evaluation.name}",
        tuple(drives),
        evaluation.world_name,
        tuple(notes),
    )


def _end(episode: RecordedEpisode) -> str:
    how = f"{episode.time_s:.3f} s"
    return f"a lap of {how}" if episode.is_lap else f"{episode.progress:.0f} % in {how}"


def shown_views(names: Sequence[str]) -> tuple[str, ...]:
    """The views that are named, each once, in their own order; all of them if none is."""
    return tuple(view for view in WantedVideo.views if not names or view in names)
