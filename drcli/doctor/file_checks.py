"""Checks of the user's files: settings, custom files, the track, and whether others can read secrets."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.load import load_workers
from drcli.config.model_metadata import ModelMetadata
from drcli.config.report import MASK, masked
from drcli.doctor.finding import CheckResult, Subject, error, ok, warning
from drcli.errors import DrError
from drcli.launch.race_checks import check_race
from drcli.launch.reward_trial import try_reward
from drcli.launch.start_checks import (
    HYPERPARAMETERS,
    METADATA,
    REWARD,
    check_algorithm,
    read_file,
    settings_without_effect,
    tolerant,
    tracks_at_hand,
)
from drcli.launch.start_checks import check_settings as check_startable
from drcli.paths import Workspace
from drcli.tables import ALGORITHMS

if TYPE_CHECKING:
    from drcli.sim.track import Track

_FALLBACK_TRACK = (
    "drcli_harbour"  # on which the reward function is called if the run's own track is not available
)


def check_settings(subject: Subject) -> Iterator[CheckResult]:
    """Problems in the env files that are only warnings, and whether this version supports the settings."""
    settings, workspace = subject.settings, _workspace(subject)
    for notice in settings.notices:
        yield warning(notice, "Change that line, or delete it.")
    for line in settings_without_effect(settings, workspace):
        yield warning(line, "Delete that line, or use an engine that reads it: DR_SIMAPP_SOURCE.")
    check_startable(settings)
    load_workers(workspace, settings)
    name = f"experiment {workspace.experiment} of " if workspace.experiment else ""
    yield ok(
        f"{name}{workspace.root}: {settings.local_s3_model_prefix} on {settings.world_name}, "
        f"DR_DOCKER_STYLE={settings.docker_style}, DR_CLOUD={settings.cloud}."
    )


def check_track(subject: Subject) -> Iterator[CheckResult]:
    """Each track has to be known and valid. A missing one is downloaded, but not saved."""
    where = subject.settings.source("DR_WORLD_NAME")
    for name in subject.settings.world_names:
        try:
            track = _load_track(subject, name)
        except DrError as fault:
            # The community's image contains its own worlds, possibly more than we know.
            say = error if subject.is_ours else warning
            yield say(f"{where}: DR_WORLD_NAME: {fault.message}", fault.hint)
        else:
            yield ok(f"{name}: {track.length_m:.1f} m long, {track.width_m:.2f} m wide.")
            if subject.is_ours:
                check_race(subject.settings, [track])


def check_hyperparameters(subject: Subject) -> Iterator[CheckResult]:
    """hyperparameters.json has to be valid; problems that are only warnings are listed."""
    folder = _workspace(subject).custom_files
    path = folder / HYPERPARAMETERS
    text = read_file(path)
    if subject.is_ours:
        found, metadata = Hyperparameters.parse(text, str(path)), _metadata(folder / METADATA)
        if metadata is not None and metadata.training_algorithm in ALGORITHMS:
            check_algorithm(found, metadata)
        yield from _tolerated(path, found.warnings)
    else:
        yield from _tolerated(path, tolerant(Hyperparameters.parse, text, str(path)))


def check_metadata(subject: Subject) -> Iterator[CheckResult]:
    """model_metadata.json has to be valid, and the engine has to support it."""
    path = _workspace(subject).custom_files / METADATA
    text = read_file(path)
    if subject.is_ours:
        found = ModelMetadata.parse(text, str(path))
        check_supported(found, str(path))
        yield from _tolerated(path, found.warnings)
    else:
        yield from _tolerated(path, tolerant(ModelMetadata.parse, text, str(path)))


def check_reward(subject: Subject) -> Iterator[CheckResult]:
    """The reward function has to return a number when called once on a real state of each track."""
    settings, folder = subject.settings, _workspace(subject).custom_files
    path = folder / REWARD
    source, metadata = read_file(path), _metadata(folder / METADATA)
    try:
        trials = [try_reward(settings, source, path, track, metadata) for track in _tracks(subject)]
    except DrError as fault:
        if subject.is_ours:
            raise
        yield warning(
            fault.message, "It was called with drcli's engine; modules missing here may be in the image."
        )
        return
    for text in dict.fromkeys(text for trial in trials for text in trial.warnings):
        yield warning(text, "Start the training: the workers report it if the image lacks the module.")
    rewards = [f"{trial.reward:.4g}" for trial in trials if trial.reward is not None]
    if rewards:
        yield ok(f"{path.name} returns {', '.join(rewards)} at the start line.")


def _metadata(path: Path) -> ModelMetadata | None:
    """The model metadata; None if the file is invalid, which check_metadata reports."""
    try:
        return ModelMetadata.parse(read_file(path), str(path))
    except DrError:
        return None


def check_secrets(subject: Subject) -> Iterator[CheckResult]:
    """Secrets must not be readable by other users of this machine."""
    if sys.platform == "win32":  # file modes mean nothing there
        return
    workspace = _workspace(subject)
    made_by_us = [workspace.store_key, *sorted(workspace.runs.glob("*/*/wire.json"))]
    all_is_well = True
    for path in (*made_by_us, *_written_by_the_user(subject)):
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            all_is_well = False
            say = error if path in made_by_us else warning
            yield say(
                f"{path} contains a secret that other users of this machine can read.", f"`chmod 600 {path}`"
            )
    if all_is_well:
        yield ok("Files with keys are only readable by their owner.")


def _written_by_the_user(subject: Subject) -> Iterator[Path]:
    """Env files that contain a secret, and the AWS credentials file if it is used."""
    workspace, settings = _workspace(subject), subject.settings
    secret = (value for name, value in settings.values.items() if masked(name, value.text) == MASK)
    yield from sorted(
        {workspace.root / value.source.rpartition(":")[0] for value in secret} - {workspace.root}
    )
    if settings.cloud in ("aws", "remote"):
        yield Path.home() / ".aws" / "credentials"


def _tracks(subject: Subject) -> Iterator[Track]:
    """The tracks of the run; our own in place of those that are not available, which check_track reports."""
    for name in subject.settings.world_names:
        try:
            yield _load_track(subject, name)
        except DrError:
            yield _load_track(subject, _FALLBACK_TRACK)


def _load_track(subject: Subject, name: str) -> Track:
    from drcli.sim.catalogue import load_track

    return load_track(name, tracks_at_hand(name, _workspace(subject)), subject.settings.tracks_url)


def _tolerated(path: Path, warnings: tuple[str, ...]) -> Iterator[CheckResult]:
    for text in warnings:
        yield warning(text, f"Fix that in {path}, or ignore it.")
    if not warnings:
        yield ok(f"{path.name} is valid.")


def _workspace(subject: Subject) -> Workspace:
    assert subject.workspace is not None  # these checks only run if there is one
    return subject.workspace
