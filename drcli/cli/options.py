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
    help="Use VALUE for the setting KEY, this time; can be repeated.",
)


def load(experiment: str | None, overrides: Sequence[str]) -> tuple[Workspace, Settings]:
    """The workspace and its settings; says what was tolerated in them."""
    from drcli.config.load import find_workspace, load_settings

    workspace = find_workspace(experiment=experiment)
    settings = load_settings(workspace, overrides)
    for notice in settings.notices:
        present.warn(notice)
    return workspace, settings


def checkpoint(text: str | None) -> Which | None:
    """`best`, `last` or a checkpoint's number; UsageError for anything else."""
    if text is None or text in ("best", "last"):
        return cast("Which | None", text)
    if text.isdigit():
        return int(text)
    raise UsageError(f"--checkpoint {text}: no checkpoint is called that.", "Use best, last or a number.")
