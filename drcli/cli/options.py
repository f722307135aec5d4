"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import click

from drcli.cli import present
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace
    from drcli.store.checkpoints import Which

overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Use VALUE for setting KEY in this command; can be repeated.",
)

# Of commands that transfer a model.
force = click.option("-f", "--force", is_flag=True, help="Replace an existing model without asking.")
dry_run = click.option("-d", "--dry-run", is_flag=True, help="Show what would be done; change nothing.")
custom_files = click.option(
    "-c", "--custom-files", is_flag=True, help="Also write its custom files to custom_files/ (asks)."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")


def load(experiment: str | None, overrides: Sequence[str]) -> tuple[Workspace, Settings]:
    """The workspace and its settings; prints the notices about them."""
    from drcli.config.load import find_workspace, load_settings

    workspace = find_workspace(experiment=experiment)
    settings = load_settings(workspace, overrides)
    for notice in settings.notices:
        present.warn(notice)
    return workspace, settings


def chosen_checkpoint(best: bool, text: str | None) -> Which:
    """The checkpoint that -b and -c choose; default: the last. Raises UsageError if both are given."""
    if best and text:
        raise UsageError("-b and -c cannot be combined.", "-b is the same as -c best.")
    chosen = checkpoint(text)
    return "best" if best else "last" if chosen is None else chosen  # 0 is a valid number


def checkpoint(text: str | None) -> Which | None:
    """`best`, `last`, `fastest` or the number of a checkpoint. Raises UsageError for anything else."""
    if text is None or text in ("best", "last", "fastest"):
        return cast("Which | None", text)
    if text.isdigit():
        return int(text)
    raise UsageError(f"--checkpoint {text} is not a checkpoint.", "Use best, last, fastest or a number.")
