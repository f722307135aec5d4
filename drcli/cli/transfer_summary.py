"""What the commands that move models have in common: what goes where, what would go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.models.copies import Transfer

_SHOWN = 20  # of a long list; the rest is counted


def summary(count: int, size_bytes: int) -> str:
    """`12 files, 51.2 MB`."""
    return f"{count} file{'' if count == 1 else 's'}, {present.size(size_bytes)}"


def show_files(sizes: Mapping[str, int]) -> None:
    """Names and sizes, to stdout."""
    width = max((len(present.size(count)) for count in sizes.values()), default=0)
    for name, count in sorted(sizes.items()):
        present.result(f"  {present.size(count):>{width}}  {name}")


def show_keys(keys: Sequence[str]) -> None:
    """What would be deleted, to stderr."""
    for key in keys[:_SHOWN]:
        present.say(f"  {key}")
    if len(keys) > _SHOWN:
        present.say(f"  and {len(keys) - _SHOWN} more")


def agree_to_replace(
    address: str, existing: int, outdated: Sequence[str], *, force: bool, wipe: bool
) -> None:
    """Ask before anything at the target is lost; click.Abort when the user says no.

    DrError when something is there and neither -f nor -w is given.
    """
    if not existing:
        return
    if not (force or wipe):
        raise DrError(
            f"{address} exists already ({existing} files).",
            "-f replaces it, -w also wipes what else is there, or choose another prefix.",
        )
    if wipe and outdated:
        present.say(f"{address} holds {existing} files; these go:")
        show_keys(outdated)
    if not force:
        click.confirm(f"Replace {address}?", abort=True, err=True)


def show_transfer(prepared: Transfer, *, wipe: bool, as_json: bool) -> None:
    """What a transfer would do."""
    outdated = prepared.outdated(wipe=wipe)
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": True})
    else:
        present.result(f"{prepared.source.address} -> {prepared.target.address}")
        show_files({name: info.size_bytes for name, info in prepared.files.items()})
    if outdated:
        present.say(f"At the target these {len(outdated)} files would be deleted:")
        show_keys(outdated)
    present.say(f"{summary(len(prepared.files), prepared.total_bytes)}; nothing was touched.")


def agree_to_transfer(prepared: Transfer, *, force: bool, wipe: bool) -> None:
    """As `agree_to_replace`."""
    address = prepared.target.address
    if prepared.was_finished:
        present.say(f"A transfer to {address} that had been cut off was finished.")
    agree_to_replace(address, len(prepared.existing), prepared.outdated(wipe=wipe), force=force, wipe=wipe)


def show_transferred(prepared: Transfer, *, wipe: bool, as_json: bool) -> None:
    """What a transfer has done."""
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": False})
    else:
        present.result(f"{prepared.target.address}  {summary(len(prepared.files), prepared.total_bytes)}")
