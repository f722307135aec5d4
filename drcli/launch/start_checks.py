"""Checks before a stack starts, so that a run that cannot work never starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drcli.config import jsonc
from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.load import load_workers
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import race_params, setting_of
from drcli.config.race_settings import BY_VERSION
from drcli.config.settings import Settings, variables
from drcli.config.variable import COMMUNITY, OURS
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError, UsageError
from drcli.import_checks.known_tracks import TRACKS, without_direction
from drcli.launch.launcher import launcher_of
from drcli.launch.race_checks import check_race
from drcli.launch.reward_trial import try_reward
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.tables import ALGORITHMS, RACES

if TYPE_CHECKING:
    from drcli.sim.track import Track
    from drcli.store.client import Bucket
    from drcli.train.algorithms.algorithm import Algorithm

HYPERPARAMETERS, METADATA, REWARD = "hyperparameters.json", "model_metadata.json", "reward_function.py"
_KNOWN_ON_AWS = "reInvent2019_track"
_RANDOM = {"DR_RANDOMIZE", "DR_RANDOMIZE_LATENCY", "DR_RANDOMIZE_SPEED", "DR_RANDOMIZE_STEERING"}
_LANE_CHANGES = {
    "DR_H2B_LANE_CHANGE_DISTANCE",
    "DR_H2B_LOWER_LANE_CHANGE_TIME",
    "DR_H2B_UPPER_LANE_CHANGE_TIME",
}
_SPREAD = {
    "DR_OA_NUMBER_OF_OBSTACLES",
    "DR_OA_MIN_DISTANCE_BETWEEN_OBSTACLES",
    "DR_OA_RANDOMIZE_OBSTACLE_LOCATIONS",
}
_PREFIX_OF = {"training": "DR_TRAIN_", "evaluation": "DR_EVAL_"}


@dataclass(frozen=True)
class CustomFiles:
    """The three files of a training as they are on disk, and warnings about them."""

    contents: dict[str, bytes]
    warnings: tuple[str, ...]


def check_settings(settings: Settings) -> None:
    """Raises UsageError for settings that this version or this style does not support."""
    launcher_of(settings.docker_style).check_settings(settings)
    if not is_ours(settings) and len(settings.world_names) > 1:
        raise UsageError(
            f"{_several(settings)}; {COMMUNITY} drives on one.",
            "Name one of them; with DR_TRAIN_MULTI_CONFIG=True each worker can have its own, in worker-2.env, ….",
        )
    if is_ours(settings) and settings.race_type not in RACES:
        choices = tuple(RACES)
        raise UsageError(
            f"{settings.source('DR_RACE_TYPE')}: DR_RACE_TYPE={settings.race_type} is not supported yet by this "
            "version of drcli.",
            f"Use DR_RACE_TYPE={' or '.join(choices)}, for example with --set DR_RACE_TYPE={choices[0]}.",
        )


def check_trainable(settings: Settings) -> None:
    """Raises UsageError for a race that no training can be in, as it takes several models."""
    if is_ours(settings) and (models := RACES.load(settings.race_type).cars_per_race) > 1:
        raise UsageError(
            f"{settings.source('DR_RACE_TYPE')}: DR_RACE_TYPE={settings.race_type} is for evaluations: "
            f"it takes {models} models that can drive.",
            "Train each of them with another one, such as DR_RACE_TYPE=TIME_TRIAL; then `dr evaluate` or `dr race`.",
        )


def settings_without_effect(settings: Settings, workspace: Workspace, kind: str = "") -> tuple[str, ...]:
    """Settings that the user changed but the engine of this run ignores, one line each.

    Args:
        kind: `training` or `evaluation`; empty: both.
    """
    other = COMMUNITY if is_ours(settings) else OURS
    workers = () if kind == "evaluation" else load_workers(workspace, settings)
    others = tuple(prefix for name, prefix in _PREFIX_OF.items() if kind and name != kind)
    lines = (
        f"{each.source(name)}: {name}={each.text(name)} has no effect: it is only for {row.only_for}."
        for each in (settings, *workers)
        for name, row in variables().items()
        if row.only_for == other and each.is_changed(name) and not name.startswith(others)
    )
    return tuple(dict.fromkeys((*lines, *_idle(settings, *workers))))


def _idle(*those: Settings) -> Iterator[str]:
    """Settings that another one makes idle: the switch is off, or the places of objects are given."""
    for each in those:
        of_race = {setting_of(key) for key in race_params(each)}
        for reason, is_so, names in (
            ("without DR_ENABLE_DOMAIN_RANDOMIZATION=True", not each.enable_domain_randomization, _RANDOM),
            ("without DR_H2B_IS_LANE_CHANGE=True", not each.h2b_is_lane_change, _LANE_CHANGES & of_race),
            ("beside DR_OA_OBJECT_POSITIONS", bool(each.oa_object_positions), _SPREAD & of_race),
        ):
            for name in sorted(filter(each.is_changed, names if is_so and is_ours(each) else ())):
                yield f"{each.source(name)}: {name}={each.text(name)} has no effect {reason}."


def faster_way(settings: Settings) -> tuple[str, ...]:
    """A line about guided training for a folder that does not say how to learn; otherwise none."""
    if not is_ours(settings) or settings.source("DR_TRAIN_METHOD") != "default":
        return ()
    return ("Training from pixels. DR_TRAIN_METHOD=guided in run.env takes seconds instead: docs/guided.md.",)


def unknown_on_aws(settings: Settings) -> tuple[str, ...]:
    """A line about the worlds of the run that DeepRacer on AWS does not have; none if it has all of them."""
    missing = [name for name in settings.world_names if without_direction(name) not in TRACKS]
    if not missing:
        return ()
    names = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
    return (
        f"{names} not in DeepRacer on AWS: to import the model there, train on {_KNOWN_ON_AWS}, for example.",
    )


def advice(settings: Settings) -> tuple[str, ...]:
    """What to know before a training that works: one line each."""
    return (*faster_way(settings), *unknown_on_aws(settings))


def check_single_world(settings: Settings) -> None:
    """Raises UsageError if the settings name several tracks, which an evaluation cannot."""
    first = settings.world_names[0]
    if len(settings.world_names) > 1:
        raise UsageError(
            f"{_several(settings)}; an evaluation drives on one.",
            f"Name one of them, for example with --set DR_WORLD_NAME={first}.",
        )


def _several(settings: Settings) -> str:
    return f"{settings.source('DR_WORLD_NAME')}: DR_WORLD_NAME={settings.world_name} names several tracks"


def check_worlds(settings: Settings, workspace: Workspace, *, keep: bool = True) -> tuple[Track, ...]:
    """The tracks of the run, downloaded if necessary, saved if `keep`; its race has to be possible on each.

    Raises:
        DrError: it names the setting, and similar worlds.
    """
    from drcli.sim.catalogue import load_track

    tracks = []
    for name in settings.world_names:
        folder = workspace.tracks if keep else tracks_at_hand(name, workspace)
        try:
            tracks.append(load_track(name, folder, settings.tracks_url))
        except DrError as error:
            where = settings.source("DR_WORLD_NAME")
            raise DrError(f"{where}: DR_WORLD_NAME: {error.message}", error.hint) from None
    check_race(settings, tracks)
    return tuple(tracks)


def tracks_at_hand(world_name: str, workspace: Workspace) -> Path | None:
    """The workspace's track folder if it has this track, otherwise None: then nothing is downloaded into it."""
    stem = without_direction(world_name)
    names = (f"{world_name}.npy", f"{world_name}.yaml", f"{stem}.yaml")
    return workspace.tracks if any((workspace.tracks / name).is_file() for name in names) else None


def check_workers(settings: Settings, workspace: Workspace, *, keep: bool = True) -> tuple[Settings, ...]:
    """Settings of workers 2, 3, … of a multi-config run, with races and worlds checked like those of the first."""
    workers = load_workers(workspace, settings)
    for worker in workers:
        check_settings(worker)
        check_trainable(worker)
        if is_ours(worker):
            check_worlds(worker, workspace, keep=keep)
    return workers


def publish_tracks(settings: Settings, workspace: Workspace, bucket: Bucket, prefix: str) -> None:
    """Upload the workspace's own or downloaded tracks next to the model: services on other machines need them."""
    names = {*settings.world_names, *(without_direction(name) for name in settings.world_names)}
    for path in workspace.tracks.glob("*"):
        if path.stem in names and path.suffix in (".yaml", ".npy"):
            bucket.put(ModelKeys(prefix).tracks_folder + path.name, path.read_bytes())


def check_training_files(settings: Settings, workspace: Workspace, *, keep: bool = True) -> CustomFiles:
    """Read custom_files/ and check them against the tracks, to find errors that would otherwise show up minutes later.

    The reward function is called once on a real state of each track; with `keep`, tracks downloaded for that stay in
    the workspace. Other engines have their own rules for these files: for them only invalid JSON is an error,
    everything else is a warning.

    Raises:
        DrError: with file, line and hint.
    """
    folder = workspace.custom_files
    contents = {name: read_file(folder / name) for name in (HYPERPARAMETERS, METADATA, REWARD)}
    if not is_ours(settings):
        doubts = (
            *tolerant(Hyperparameters.parse, contents[HYPERPARAMETERS], str(folder / HYPERPARAMETERS)),
            *tolerant(ModelMetadata.parse, contents[METADATA], str(folder / METADATA)),
        )
        return CustomFiles(contents, doubts)
    hyperparameters = Hyperparameters.parse(contents[HYPERPARAMETERS], str(folder / HYPERPARAMETERS))
    metadata = ModelMetadata.parse(contents[METADATA], str(folder / METADATA))
    check_supported(metadata, str(folder / METADATA))
    check_algorithm(hyperparameters, metadata)
    tracks = check_worlds(settings, workspace, keep=keep)
    trials = [try_reward(settings, contents[REWARD], folder / REWARD, track, metadata) for track in tracks]
    doubts = tuple(dict.fromkeys(text for trial in trials for text in trial.warnings))
    slow = slow_car(settings, metadata, str(folder / METADATA))
    unused = hyperparameters.without_effect(
        metadata.training_algorithm,
        is_continuous=metadata.continuous is not None,
        is_guided=settings.train_method == "guided",
    )
    return CustomFiles(contents, (*hyperparameters.warnings, *unused, *metadata.warnings, *slow, *doubts))


def slow_car(settings: Settings, metadata: ModelMetadata, where: str) -> tuple[str, ...]:
    """A line for a model whose version drives the slow car of the first simulator; otherwise none."""
    if metadata.version >= 2 or settings.car_dynamics != BY_VERSION:
        return ()
    return (
        f"{where}: the car of version 1 drives 0.3 of the speed of its actions, as in the community's engine; "
        "DR_CAR_DYNAMICS=simapp-5 drives as today's does.",
    )


def check_algorithm(hyperparameters: Hyperparameters, metadata: ModelMetadata) -> None:
    """Raise UsageError for hyperparameters that our algorithm of that model does not support."""
    algorithm: Algorithm = ALGORITHMS.load(metadata.training_algorithm)
    algorithm.check(hyperparameters)


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


def read_file(path: Path) -> bytes:
    """The content of a custom file. Raises DrError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        hint = f"`dr init` puts a working {path.name} there."
        raise DrError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
