"""The folder of a sweep, `data/sweeps/NAME/`: all that it needs to continue, whatever is killed or edited meanwhile.

sweep.yaml    the file as it was started             sweep.json         what follows from it
base/         run.env and custom_files/ as they were variants/NAME/     those of a variant, variant.json, state.json
loop.json     its process                            loop.log           what the process says
optuna.db     what a search knows                    variants/*/logs/   the logs of runs that have ended
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from drcli.config.envfile import Assignment
from drcli.contract.keys import join
from drcli.errors import DrError
from drcli.local import ProcessRef, write_private
from drcli.paths import Workspace

State = Literal["waiting", "training", "evaluating", "done", "failed", "pruned"]
OVER: tuple[State, ...] = ("done", "failed", "pruned")


@dataclass(frozen=True)
class TrackResult:
    """How a model drove on one track. Times in seconds of complete laps, penalties included; None without one."""

    world_name: str
    trials: int
    laps: int
    completion: float
    best_lap_s: float | None
    mean_lap_s: float | None
    resets: int
    off_track: int = 0
    crashes: int = 0


@dataclass(frozen=True)
class VariantState:
    """How far a variant is.

    steps: that were learned from; trained_s: seconds of its training, over all its starts, None if unknown; earlier_s:
    those of the starts before the last one.
    """

    state: State = "waiting"
    run_id: int | None = None
    attempts: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0
    progress: str = ""
    checkpoint: str = ""
    steps: int | None = None
    trained_s: float | None = None
    earlier_s: float = 0.0
    results: tuple[TrackResult, ...] = ()
    message: str = ""
    hint: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in OVER

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VariantState:
        """The inverse of `asdict`."""
        results = tuple(TrackResult(**result) for result in document["results"])
        return cls(**{**document, "results": results})


@dataclass(frozen=True)
class VariantFolder:
    """A variant's folder, which is where its workspace has `run.env` and `custom_files/`."""

    path: Path
    name: str
    group: str
    prefix: str
    seed: int | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name → text, and where it comes from

    def write(self) -> None:
        """Save what it is."""
        document = {name: value for name, value in asdict(self).items() if name != "path"}
        write_private(self.path / "variant.json", document)

    @classmethod
    def read(cls, path: Path) -> VariantFolder:
        """The inverse of `write`."""
        document = json.loads((path / "variant.json").read_text())
        document["settings"] = {key: tuple(value) for key, value in document["settings"].items()}
        return cls(path=path, **document)

    @property
    def state(self) -> VariantState:
        """How far it is."""
        with suppress(FileNotFoundError):
            return VariantState.from_document(json.loads((self.path / "state.json").read_text()))
        return VariantState()

    def set(self, **changes: Any) -> VariantState:
        """Save changes of its state."""
        state = replace(self.state, **changes)
        write_private(self.path / "state.json", asdict(state))
        return state

    @property
    def logs(self) -> Path:
        """The logs of its training and its evaluations, once they have ended."""
        return self.path / "logs"

    def assignments(self) -> list[Assignment]:
        """Its settings, for `load_settings`."""
        return [Assignment(key, text, where) for key, (text, where) in self.settings.items()]


@dataclass(frozen=True)
class Sweep:
    """What follows from the file. cores: of one run; evaluation: settings of all evaluations; overrides: of --set."""

    name: str
    file: str
    digest: str
    rank_by: str
    keep: str
    at_a_time: int
    cores: int
    checkpoint: str
    tracks: tuple[str, ...]
    evaluation: Mapping[str, tuple[str, str]]
    overrides: tuple[str, ...] = ()
    experiment: str = ""
    limit_minutes: str = ""  # of trials of a search that have no DR_TRAIN_MAX_MINUTES
    trials: int | None = None  # of a search; None for a sweep
    shown: tuple[
        str, ...
    ] = ()  # keys that the table shows, as the names of variants do not tell their values

    @property
    def command(self) -> str:
        """The command that starts it, or continues it."""
        return f"dr {'sweep' if self.trials is None else 'tune'} {self.file}"


@dataclass(frozen=True)
class SweepFolder:
    """Paths and documents of one sweep."""

    path: Path
    root: Path  # of the workspace

    @classmethod
    def of(cls, workspace: Workspace, name: str) -> SweepFolder:
        """The folder of a sweep in a workspace."""
        return cls(workspace.sweeps / name, workspace.root)

    @property
    def name(self) -> str:
        """The sweep's name."""
        return self.path.name

    @property
    def exists(self) -> bool:
        """Whether the sweep was ever started."""
        return (self.path / "sweep.json").is_file()

    @property
    def base(self) -> Path:
        """`run.env` and custom files as they were at the start."""
        return self.path / "base"

    @property
    def log(self) -> Path:
        """What the sweep's process says."""
        return self.path / "loop.log"

    @property
    def study(self) -> Path:
        """What a search knows, in Optuna's own format."""
        return self.path / "optuna.db"

    @property
    def lock(self) -> Path:
        """Held while a process of the sweep is started."""
        return self.path / ".lock"

    @property
    def stop_request(self) -> Path:
        """Exists while the process is asked to stop."""
        return self.path / "stop"

    def write(self, sweep: Sweep) -> None:
        """Save what the sweep is; from then on it exists."""
        write_private(self.path / "sweep.json", asdict(sweep))

    def read(self) -> Sweep:
        """What the sweep is."""
        document = json.loads((self.path / "sweep.json").read_text())
        for name in ("tracks", "overrides", "shown"):
            document[name] = tuple(document.get(name, ()))
        document["evaluation"] = {key: tuple(value) for key, value in document["evaluation"].items()}
        return Sweep(**document)

    def variant_path(self, name: str) -> Path:
        """The folder of a variant."""
        return self.path / "variants" / name

    def variants(self) -> list[VariantFolder]:
        """The variants, in their order."""
        paths = (path.parent for path in self.path.glob("variants/*/variant.json"))
        order = (
            json.loads((self.path / "order.json").read_text()) if (self.path / "order.json").exists() else []
        )
        place = {name: number for number, name in enumerate(order)}
        found = [VariantFolder.read(path) for path in paths]
        return sorted(found, key=lambda variant: (place.get(variant.name, len(place)), variant.name))

    def add_to_order(self, *names: str) -> None:
        """Put variants behind those that are there."""
        path = self.path / "order.json"
        order = json.loads(path.read_text()) if path.exists() else []
        write_private(path, [*order, *(name for name in names if name not in order)])

    def workspace(self, folder: Path) -> Workspace:
        """The workspace of a variant, or of the base."""
        return Workspace(self.root, self.read().experiment, folder)

    @property
    def process(self) -> ProcessRef | None:
        """The sweep's process; None if it does not run."""
        with suppress(OSError, ValueError, TypeError):
            process = ProcessRef(**json.loads((self.path / "loop.json").read_text()))
            return process if process.is_alive else None
        return None

    def write_process(self, process: ProcessRef) -> None:
        """Save which process runs the sweep."""
        write_private(self.path / "loop.json", asdict(process))

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path)


def prefix_of(sweep: str, variant: str) -> str:
    """The model prefix of a variant."""
    return join(f"{sweep}-{variant}")


def folders(workspace: Workspace) -> Iterator[SweepFolder]:
    """The sweeps of a workspace, the newest first."""
    paths = sorted(workspace.sweeps.glob("*/sweep.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    yield from (SweepFolder(path.parent, workspace.root) for path in paths)


def find(workspace: Workspace, name: str | None) -> SweepFolder:
    """The sweep of that name, else the newest. Raises DrError if there is none."""
    known = list(folders(workspace))
    for folder in known:
        if name in (None, folder.name):
            return folder
    names = ", ".join(folder.name for folder in known)
    if name is not None and names:
        raise DrError(f"There is no sweep {name}.", f"The sweeps of this workspace are {names}.")
    raise DrError(
        "No sweep was ever started here.", "`dr sweep FILE.yaml` starts one; docs/sweeps.md has examples."
    )
