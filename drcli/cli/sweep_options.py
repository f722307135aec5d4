"""Options of `dr sweep FILE` and `dr tune FILE`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from drcli.cli import options

_OPTIONS = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option(
        "-d", "--dry-run", is_flag=True, help="Check it and show what would be done, with time and disk."
    ),
    click.option(
        "--at-a-time",
        type=click.IntRange(min=1, max=50),
        metavar="N",
        help="Trainings at the same time; default: what cores and memory allow.",
    ),
    click.option(
        "--keep",
        type=click.Choice(["all", "best"]),
        help="best: in the end delete a model's other checkpoints.",
    ),
    click.option("-w", "--wipe", is_flag=True, help="Delete models and results of an earlier one (asks)."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    click.option("-q", "--quiet", is_flag=True, help="Return as soon as it is running."),
    click.option("--json", "as_json", is_flag=True, help="Print the plan or the results as JSON."),
    options.overrides,
)


def sweep_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add them to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
