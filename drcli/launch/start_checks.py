"""What is checked before a stack starts, so that a run which cannot work never begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.load import load_workers
from drcli.config.model_metadata import ModelMetadata
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError, UsageError
from drcli.launch.launcher import launcher_of
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.tables import RACES

if TYPE_CHECKING:
    from drcli.sim.track import Track
    from drcli.store.client import Bucket


@dataclass(frozen=True)
class CustomFiles:
    """The three files of a training, as they are on disk, and what was tolerated in them."""

    contents: dict[str, bytes]
    warnings: tuple[str, ...]


def check_settings(settings: Settings) -> None:
    """UsageError for what this version cannot start, or not in this style."""
    launcher_of(settings.docker_style).check_settings(settings)
    if is_ours(settings) and settings.race_type not in RACES:
        choices = tuple(RACES)
        raise UsageError(
            f"{settings.source('DR_RACE_TYPE')}: DR_RACE_TYPE={settings.race_type} cannot be started yet by this "
            "version of drcli.",
            f"Use DR_RACE_TYPE={' or '.join(choices)}, for example with --set DR_RACE_TYPE={choices[0]}.",
        )


def check_world(settings: Settings, workspace: Workspace, *, keep: bool = True) -> Track:
    """The track of the run, fetched if need be, and kept with `keep`. DrError names the setting, and similar worlds."""
    from drcli.sim.catalogue import load_track

    folder = workspace.tracks if keep else tracks_at_hand(settings.world_name, workspace)
    try:
        return load_track(settings.world_name, folder, settings.tracks_url)
    except DrError as error:
        where = settings.source("DR_WORLD_NAME")
        raise DrError(f"{where}: DR_WORLD_NAME: {error.message}", error.hint) from None


def tracks_at_hand(world_name: str, workspace: Workspace) -> Path | None:
    """The workspace's tracks if that of the name is there. None otherwise: nothing is to be fetched into it."""
    stem = world_name.removesuffix("_cw").removesuffix("_ccw")
    names = (f"{world_name}.npy", f"{world_name}.yaml", f"{stem}.yaml")
    return workspace.tracks if any((workspace.tracks / name).is_file() for name in names) else None


def check_workers(settings: Settings, workspace: Workspace, *, keep: bool = True) -> tuple[Settings, ...]:
    """Settings of the workers 2, 3, … of a multi-config run, whose races and worlds can be started like the first."""
    workers = load_workers(workspace, settings)
    for worker in workers if is_ours(settings) else ():
        check_settings(worker)
        check_world(worker, workspace, keep=keep)
    return workers


def publish_track(settings: Settings, workspace: Workspace, bucket: Bucket, prefix: str) -> None:
    """Put the workspace's own or fetched track next to the model: services elsewhere have no other way to it."""
    names = (settings.world_name, settings.world_name.removesuffix("_cw").removesuffix("_ccw"))
    for path in workspace.tracks.glob("*"):
        if path.stem in names and path.suffix in (".yaml", ".npy"):
            bucket.put(ModelKeys(prefix).tracks_folder + path.name, path.read_bytes())


def check_training_files(settings: Settings, workspace: Workspace, *, keep: bool = True) -> CustomFiles:
    """Read and check custom_files/ against the track: everything that would fail minutes later.

    The reward function is called once on a real state. A track that is fetched for that is kept with `keep`. DrError
    names file, line and what to do.
    """
    from drcli.sim.reward import RewardFunction, try_once

    folder = workspace.custom_files
    names = ("hyperparameters.json", "model_metadata.json", "reward_function.py")
    contents = {name: _read(folder / name) for name in names}
    hyperparameters = Hyperparameters.parse(contents[names[0]], str(folder / names[0]))
    metadata = ModelMetadata.parse(contents[names[1]], str(folder / names[1]))
    if is_ours(settings):
        check_supported(metadata, str(folder / names[1]))
        track = check_world(settings, workspace, keep=keep)
        source = contents[names[2]].decode(errors="replace")
        try_once(RewardFunction(source, str(folder / names[2])), track)
    return CustomFiles(contents, (*hyperparameters.warnings, *metadata.warnings))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = f"`dr init` puts a working {path.name} there."
        raise DrError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
