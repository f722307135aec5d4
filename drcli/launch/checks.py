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
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store.keys import ModelKeys
from drcli.tables import ALGORITHMS, RACES

if TYPE_CHECKING:
    from drcli.sim.track import Track
    from drcli.store.client import Bucket
    from drcli.train.algorithms.algorithm import Algorithm

ENGINE = "drcli/simapp"


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
    """Read and check custom_files/ against the track: everything that would fail minutes later.

    The reward function is called once on a real state. DrError names file, line and what to do.
    """
    from drcli.sim.reward import RewardFunction, try_once

    folder = workspace.custom_files
    names = ("hyperparameters.json", "model_metadata.json", "reward_function.py")
    contents = {name: _read(folder / name) for name in names}
    hyperparameters = Hyperparameters.parse(contents[names[0]], str(folder / names[0]))
    metadata = ModelMetadata.parse(contents[names[1]], str(folder / names[1]))
    if is_ours(settings):
        check_supported(metadata, str(folder / names[1]))
        algorithm: Algorithm = ALGORITHMS.load(metadata.training_algorithm)
        algorithm.check(hyperparameters, str(folder / names[0]))
        track = check_world(settings, workspace)
        source = contents[names[2]].decode(errors="replace")
        try_once(RewardFunction(source, str(folder / names[2])), track)
    return CustomFiles(contents, (*hyperparameters.warnings, *metadata.warnings))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = f"`dr init` puts a working {path.name} there."
        raise DrError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
