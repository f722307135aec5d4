"""What `dr reward` examines: the function, the track it is called on, the model's actions and discount factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.load import find_workspace, load_settings, settings_of
from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.race_checks import check_race, race_of
from drcli.paths import Workspace
from drcli.sim.catalogue import load_track
from drcli.sim.constants import MAX_SPEED_MPS
from drcli.sim.reward import Log, RewardFunction
from drcli.sim.track import Track
from drcli.tables import RACES

_REWARD = "reward_function.py"
_SPEED_MPS = 3.0  # of a model that is not known
_HINT = "Run it in a workspace, or name FILE and --track."


@dataclass(frozen=True)
class Subject:
    """`metadata`: None without a model_metadata.json; `race`: that of the training, from the start line."""

    source: bytes
    path: Path
    track: Track
    metadata: ModelMetadata | None
    discount: float
    race: RaceSettings
    settings: Settings
    workspace: Workspace | None

    @classmethod
    def find(
        cls, experiment: str | None, overrides: Sequence[str], file: Path | None, track: str | None
    ) -> Subject:
        """The function of a file, or of the workspace; on a track by name, or on the first of the run.

        Raises:
            DrError: file, track or workspace were not found, a custom file is invalid, or no such race can be trained.
        """
        workspace, settings = _workspace(experiment, overrides, is_needed=file is None)
        folder = workspace.custom_files if workspace else None
        path = file or (folder or Path()) / _REWARD
        metadata, hyperparameters = _model(folder)
        source, tracks = _read(path), workspace.tracks if workspace else None
        road = load_track(track or settings.world_names[0], tracks, settings.tracks_url)
        race = _race(settings, road, metadata)
        return cls(source, path, road, metadata, hyperparameters.discount_factor, race, settings, workspace)

    @property
    def text(self) -> str:
        """The source as text."""
        return self.source.decode(errors="replace")

    @property
    def name(self) -> str:
        """The file as messages call it."""
        return str(self.path)

    def function(self, log: Log | None = None, processes: int = 1) -> RewardFunction:
        """The function, ready to be called. Raises DrError if it cannot be loaded."""
        return RewardFunction(self.text, self.name, log, processes=processes)

    @property
    def max_speed_mps(self) -> float:
        """The highest speed that the model chooses and the car drives."""
        metadata = self.metadata
        if metadata is None:
            return _SPEED_MPS
        if metadata.continuous:
            return min(metadata.continuous.speed_mps.high, MAX_SPEED_MPS)
        return min(max(action.speed_mps for action in metadata.discrete or ()), MAX_SPEED_MPS)


def _workspace(
    experiment: str | None, overrides: Sequence[str], *, is_needed: bool
) -> tuple[Workspace | None, Settings]:
    try:
        workspace = find_workspace(experiment=experiment)
    except DrError as error:
        if experiment:
            raise
        if is_needed:
            raise DrError(error.message, _HINT) from None
        pairs = dict(text.partition("=")[::2] for text in overrides)
        return None, settings_of(pairs)
    return workspace, load_settings(workspace, overrides)


def _race(settings: Settings, track: Track, metadata: ModelMetadata | None) -> RaceSettings:
    race = race_of(settings)
    if RACES.load(race.race_type).cars_per_race > 1:
        raise UsageError(
            f"{settings.source('DR_RACE_TYPE')}: DR_RACE_TYPE={race.race_type} is for evaluations, which pay no "
            "rewards.",
            "Name the race of the training, for example with --set DR_RACE_TYPE=TIME_TRIAL.",
        )
    check_race(settings, [track])
    return replace(
        race,
        change_start_position=False,
        reverse_dir=settings.train_reverse_direction,
        car_dynamics=settings.car_dynamics,
        metadata_versions=(metadata.version,) if metadata else race.metadata_versions,
    )


def _model(folder: Path | None) -> tuple[ModelMetadata | None, Hyperparameters]:
    metadata, hyperparameters = None, Hyperparameters()
    if folder is None:
        return metadata, hyperparameters
    path = folder / "model_metadata.json"
    if path.is_file():
        metadata = ModelMetadata.parse(path.read_bytes(), str(path))
    path = folder / "hyperparameters.json"
    if path.is_file():
        hyperparameters = Hyperparameters.parse(path.read_bytes(), str(path))
    return metadata, hyperparameters


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = f"`dr init` puts a working {_REWARD} in custom_files."
        raise DrError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
