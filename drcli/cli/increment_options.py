"""What the two increment commands share: options, showing the change, asking, and making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present

if TYPE_CHECKING:
    from drcli.workspace.next_model import Increment, Leftovers

_SHOWN = 20  # objects


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of both commands."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the change as JSON."),
        click.option("--dry-run", is_flag=True, help="Show the change without making it."),
        click.option(
            "-d",
            "--delimiter",
            default="-",
            show_default=True,
            metavar="DELIM",
            help="What to put before the number if the name has none yet.",
        ),
        click.option(
            "-p",
            "--prefix",
            default="",
            metavar="PREFIX",
            help="The new prefix; default: increment the old one.",
        ),
        click.option("-w", "--wipe", is_flag=True, help="Delete everything under the new prefix (asks)."),
        click.option("-f", "--force", is_flag=True, help="Do not ask."),
    ):
        command = option(command)
    return command


def carry_out(
    planned: Increment, leftovers: Leftovers | None, *, force: bool, dry_run: bool, as_json: bool
) -> None:
    """Show the change, ask, and make it. Objects to wipe are shown before asking and deleted last."""
    for notice in planned.notices:
        present.warn(notice)
    lines = planned.edit.lines
    present.say(f"{planned.edit.path}:")
    for line in lines:
        present.say("\n".join(f"  {part}" for part in line.diff.splitlines()))
    if leftovers is not None:
        _show(leftovers)
    wiped = 0
    if not dry_run:
        if not force:
            question = f"Change run.env: {planned.name} from {planned.old} to {planned.new}?"
            click.confirm(question, abort=True, err=True)
            if leftovers is not None and leftovers.objects:
                click.confirm(f"Delete everything under {leftovers.prefix}/?", abort=True, err=True)
        planned.edit.write()
        wiped = leftovers.wipe() if leftovers is not None and leftovers.objects else 0
    if as_json:
        changed = [asdict(line) for line in lines]
        names = {"setting": planned.name, "old": planned.old, "new": planned.new}
        present.as_json({**names, "file": str(planned.edit.path), "lines": changed, "wiped": wiped})
    elif not dry_run:
        present.result(f"Changed {planned.name} from {planned.old} to {planned.new}.")
        if wiped:
            present.result(f"Deleted {_objects(wiped)} under {planned.new}/.")


def _show(leftovers: Leftovers) -> None:
    place = leftovers.bucket.config.place
    if not leftovers.objects:
        present.say(f"There are no objects under {leftovers.prefix}/ in the {place}.")
        return
    count, size = len(leftovers.objects), leftovers.size_bytes / 1e6
    present.say(f"{_objects(count)} ({size:,.1f} MB) under {leftovers.prefix}/ in the {place}:")
    for info in leftovers.objects[:_SHOWN]:
        present.say(f"  {info.key}")
    if count > _SHOWN:
        present.say(f"  and {count - _SHOWN} more")


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"
