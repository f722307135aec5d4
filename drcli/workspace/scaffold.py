"""Contents of a new workspace: the templates that ship with drcli, and where each is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from drcli.errors import DrError, UsageError
from drcli.local import write_atomically
from drcli.paths import Workspace, defaults_dir, is_folder_name

CUSTOM_FILES = ("reward_function.py", "model_metadata.json", "hyperparameters.json")


class FileState(Enum):
    """How a file of a workspace compares with its template."""

    MISSING = "missing"
    CURRENT = "current"
    DIFFERS = "differs"


@dataclass(frozen=True)
class PlannedFile:
    """A template and the file to write it to."""

    template: Path
    path: Path
    state: FileState

    def write(self) -> None:
        """Write the file, in one step: it is never seen half-written. DrError when it cannot be."""
        try:
            write_atomically(self.path, self.template.read_bytes())
        except OSError as error:
            raise DrError(f"Cannot write {self.path}: {error.strerror}.") from None


def plan_workspace(workspace: Workspace) -> tuple[PlannedFile, ...]:
    """Every file of a workspace with its current state. Writes nothing.

    Raises:
        UsageError: the experiment's name is not a folder name.
        DrError: an existing file cannot be read.
    """
    if workspace.experiment and not is_folder_name(workspace.experiment):
        raise UsageError(
            f"{workspace.experiment!r} is not a valid name for an experiment.",
            "It has to be a folder name, as in `dr -e wet init`.",
        )
    defaults = defaults_dir()
    pairs = [
        (defaults / "template-system.env", workspace.system_env),
        (defaults / "template-run.env", workspace.run_env),
        *((defaults / "custom_files" / name, workspace.custom_files / name) for name in CUSTOM_FILES),
    ]
    return tuple(PlannedFile(template, path, _state(template, path)) for template, path in pairs)


def _state(template: Path, path: Path) -> FileState:
    try:
        return FileState.CURRENT if path.read_bytes() == template.read_bytes() else FileState.DIFFERS
    except FileNotFoundError:
        return FileState.MISSING
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.") from None
