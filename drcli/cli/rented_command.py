"""The command of a rented machine, parsed and checked here: what is wrong with it is said before anything costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present
from drcli.cli.lazy_group import command_module
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.cloud.cloud_place import CloudPlace
    from drcli.paths import Workspace
    from drcli.sweep.sweep_file import SweepFile

DEFAULT = ("start-training",)
# Word → the module that has its command.
_POSSIBLE = {
    "start-training": "start_training",
    "evaluate": "evaluate",
    "race": "race",
    "sweep": "sweep_run",
    "tune": "tune",
}
_SWEEPS = ("sweep", "tune")


@dataclass(frozen=True)
class RentedCommand:
    """The words after `dr`, what its options are, and the file if it is a sweep or a search."""

    words: tuple[str, ...]
    given: Mapping[str, Any]
    sweep: SweepFile | None

    @property
    def name(self) -> str:
        """What the job is called if nobody names it: as its sweep, otherwise as its model (empty here)."""
        return self.sweep.name.lower().replace("_", "-").replace(".", "-") if self.sweep else ""

    def check(self, workspace: Workspace, overrides: tuple[str, ...], place: CloudPlace) -> None:
        """Check a sweep variant by variant. Raises what `dr sweep` would raise at its start; nothing stays behind."""
        from drcli.sweep import sweep_start

        if self.sweep is None:
            return
        choices = sweep_start.Choices((*overrides, *self.given["overrides"], "DR_DOCKER_STYLE=process"))
        with present.live() as live:
            planned = sweep_start.plan(workspace, self.given["file"], self.sweep, choices, live.line)
        planned.discard()
        present.warn_all(planned.warnings)
        existing = [v.prefix for v in planned.variants if place.bucket.list(f"{v.prefix}/")]
        if existing and not self.given["wipe"]:
            raise DrError(
                f"{existing[0]} already exists in the {place.bucket.config.place}.",
                "`dr cloud up --resume` continues a sweep that was interrupted; -w deletes its models and starts it "
                "from scratch; or give this one another `name`.",
            )


def parse(words: tuple[str, ...], workspace: Workspace) -> RentedCommand:
    """Parse a command. Raises UsageError, also for a sweep's file that is not valid or not in the workspace."""
    name, *rest = words
    if name not in _POSSIBLE:
        raise UsageError(f"A rented machine does not run `dr {name}`.", f"It can: {', '.join(_POSSIBLE)}.")
    rest = rest[1:] if name == "sweep" and rest[:1] == ["run"] else rest
    root = click.get_current_context().find_root()
    given = command_module(_POSSIBLE[name]).command.make_context(name, rest, parent=root).params
    if given.get("dry_run"):
        raise UsageError(
            f"`dr {name} --dry-run` needs no rented machine.", "Run it here; omit --dry-run to rent one."
        )
    return RentedCommand(words, given, _sweep_file(name, given, workspace) if name in _SWEEPS else None)


def _sweep_file(name: str, given: Mapping[str, Any], workspace: Workspace) -> SweepFile:
    from drcli.sweep.sweep_file import SweepFile

    path: Path = given["file"]
    if not (workspace.root / path).exists() or not path.resolve().is_relative_to(workspace.root.resolve()):
        raise UsageError(
            f"{path} is not in the workspace, which is what the machine gets.",
            f"Copy it to {workspace.root}, and name it as seen from there.",
        )
    return SweepFile.read(path, is_search=name == "tune")
