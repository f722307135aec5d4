"""What is checked before a stack starts, so that a run which cannot work never begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drcli.config import jsonc
from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.load import load_workers
from drcli.config.model_metadata import ModelMetadata
from drcli.config.settings import Settings, variables
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError, UsageError
from drcli.launch.reward_trial import try_reward
from drcli.paths import Workspace
from drcli.tables import RACES

if TYPE_CHECKING:
    from drcli.sim.track import Track
    from drcli.store.client import Bucket

ENGINE = "drcli/simapp"
HYPERPARAMETERS, METADATA, REWARD = "hyperparameters.json", "model_metadata.json", "reward_function.py"
_PREFIX_OF = {"training": "DR_TRAIN_", "evaluation": "DR_EVAL_"}


@dataclass(frozen=True)
class CustomFiles:
    """The three files of a training, as they are on disk, and what was tolerated in them."""

    contents: dict[str, bytes]
    warnings: tuple[str, ...]


def check_style(settings: Settings) -> None:
    """UsageError for what this version cannot start."""
    if not is_ours(settings):
        if settings.docker_style == "process":
            raise UsageError(
                f"{settings.source('DR_SIMAPP_SOURCE')}: the engine {settings.simapp_source} runs in containers only.",
                f"Use DR_DOCKER_STYLE=compose or swarm, or our own engine: --set DR_SIMAPP_SOURCE={ENGINE}",
            )
        return
    if settings.race_type not in RACES:
        raise _cannot(settings, "DR_RACE_TYPE", settings.race_type, tuple(RACES))


def is_ours(settings: Settings) -> bool:
    """Is it our own engine, perhaps from a registry of the user's? Else it is the community's, or like it."""
    return settings.simapp_source == ENGINE or settings.simapp_source.endswith(f"/{ENGINE}")


def settings_without_effect(settings: Settings, workspace: Workspace, kind: str = "") -> tuple[str, ...]:
    """Settings that the user has changed but the engine of this run ignores, one line each.

    Args:
        kind: `training` or `evaluation`; empty: both.
    """
    if not is_ours(settings):
        return ()
    workers = () if kind == "evaluation" else load_workers(workspace, settings)
    others = tuple(prefix for name, prefix in _PREFIX_OF.items() if kind and name != kind)
    lines = (
        f"{each.source(name)}: {name}={each.text(name)} has no effect: it is only for {row.only_for}."
        for each in (settings, *workers)
        for name, row in variables().items()
        if row.only_for and each.is_changed(name) and not name.startswith(others)
    )
    return tuple(dict.fromkeys(lines))


def _cannot(settings: Settings, name: str, value: str, can: tuple[str, ...]) -> UsageError:
    choices = " or ".join(can)
    return UsageError(
        f"{settings.source(name)}: {name}={value} cannot be started yet by this version of drcli.",
        f"Use {name}={choices}, for example with --set {name}={can[0]}.",
    )


def check_world(settings: Settings, workspace: Workspace) -> Track:
    """The track of the run. DrError names the setting, and worlds with a similar name."""
    from drcli.sim.catalogue import load_track

    try:
        return load_track(settings.world_name, workspace.tracks, settings.tracks_url)
    except DrError as error:
        where = settings.source("DR_WORLD_NAME")
        raise DrError(f"{where}: DR_WORLD_NAME: {error.message}", error.hint) from None


def check_workers(settings: Settings, workspace: Workspace) -> tuple[Settings, ...]:
    """Settings of the workers 2, 3, … of a multi-config run, whose races and worlds can be started like the first."""
    workers = load_workers(workspace, settings)
    for worker in workers if is_ours(settings) else ():
        check_style(worker)
        check_world(worker, workspace)
    return workers


def publish_track(settings: Settings, workspace: Workspace, bucket: Bucket, prefix: str) -> None:
    """Put the workspace's own or fetched track next to the model: services elsewhere have no other way to it."""
    names = (settings.world_name, settings.world_name.removesuffix("_cw").removesuffix("_ccw"))
    for path in workspace.tracks.glob("*"):
        if path.stem in names and path.suffix in (".yaml", ".npy"):
            bucket.put(ModelKeys(prefix).tracks_folder + path.name, path.read_bytes())


def check_training_files(settings: Settings, workspace: Workspace) -> CustomFiles:
    """Read and check custom_files/ against the track, to find every error that would show up minutes later.

    The reward function is called once on a real state. Another engine has rules of its own for these files: there,
    only invalid JSON is an error, and everything else is a warning.

    Raises:
        DrError: with file, line and what to do.
    """
    folder = workspace.custom_files
    contents = {name: _read(folder / name) for name in (HYPERPARAMETERS, METADATA, REWARD)}
    if not is_ours(settings):
        doubts = (
            *tolerant(Hyperparameters.parse, contents[HYPERPARAMETERS], str(folder / HYPERPARAMETERS)),
            *tolerant(ModelMetadata.parse, contents[METADATA], str(folder / METADATA)),
        )
        return CustomFiles(contents, doubts)
    hyperparameters = Hyperparameters.parse(contents[HYPERPARAMETERS], str(folder / HYPERPARAMETERS))
    metadata = ModelMetadata.parse(contents[METADATA], str(folder / METADATA))
    check_supported(metadata, str(folder / METADATA))
    track = check_world(settings, workspace)
    trial = try_reward(settings, contents[REWARD], folder / REWARD, track, metadata)
    return CustomFiles(contents, (*hyperparameters.warnings, *metadata.warnings, *trial.warnings))


def tolerant(
    parse: Callable[[bytes, str], Hyperparameters | ModelMetadata], text: bytes, filename: str
) -> tuple[str, ...]:
    """Warnings about a file for another engine, including what our own engine would refuse.

    Raises:
        UsageError: the file is not valid JSON.
    """
    jsonc.parse(text, filename)
    try:
        return parse(text, filename).warnings
    except UsageError as fault:
        return (f"{fault.message} (for drcli's own engine)",)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = f"`dr init` puts a working {path.name} there."
        raise DrError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
