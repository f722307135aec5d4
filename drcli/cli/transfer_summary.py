"""What the commands that transfer models share: listing files, asking before overwriting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.models.copies import Transfer
    from drcli.models.import_model import ModelImport
    from drcli.paths import Workspace

_SHOWN = 20  # entries of a long list; the rest is only counted


def summary(count: int, size_bytes: int) -> str:
    """`12 files, 51.2 MB`."""
    return f"{_files(count)}, {present.size(size_bytes)}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def show_files(sizes: Mapping[str, int]) -> None:
    """Print names and sizes to stdout."""
    width = max((len(present.size(count)) for count in sizes.values()), default=0)
    for name, count in sorted(sizes.items()):
        present.result(f"  {present.size(count):>{width}}  {name}")


def show_keys(keys: Sequence[str]) -> None:
    """Print keys that will be deleted to stderr."""
    for key in keys[:_SHOWN]:
        present.say(f"  {key}")
    if len(keys) > _SHOWN:
        present.say(f"  and {len(keys) - _SHOWN} more")


def agree_to_replace(
    address: str, existing: int, outdated: Sequence[str], *, force: bool, wipe: bool
) -> None:
    """Ask before anything at the target is replaced or deleted.

    Raises click.Abort if the user declines, DrError if the target exists and neither -f nor -w is given.
    """
    if not existing:
        return
    if not (force or wipe):
        raise DrError(
            f"{address} already exists ({_files(existing)}).",
            "-f replaces it, -w also deletes all other files there; otherwise choose another prefix.",
        )
    if wipe and outdated:
        present.say(f"{address} contains {_files(existing)}; these will be deleted:")
        show_keys(outdated)
    if not force:
        click.confirm(f"Replace {address}?", abort=True, err=True)


def show_transfer(prepared: Transfer | ModelImport, *, wipe: bool, as_json: bool) -> None:
    """Show what a transfer would do."""
    outdated = prepared.outdated(wipe=wipe)
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": True})
    else:
        present.result(f"{prepared.source.address} -> {prepared.target.address}")
        show_files(prepared.sizes)
    if outdated:
        present.say(f"These {len(outdated)} files at the target would be deleted:")
        show_keys(outdated)
    present.say(f"{summary(len(prepared.sizes), prepared.total_bytes)}; nothing was changed.")


def agree_to_transfer(prepared: Transfer | ModelImport, *, force: bool, wipe: bool) -> None:
    """Like `agree_to_replace`."""
    address = prepared.target.address
    if prepared.was_finished:
        present.say(f"Finished an interrupted transfer to {address}.")
    agree_to_replace(address, len(prepared.existing), prepared.outdated(wipe=wipe), force=force, wipe=wipe)


def show_transferred(prepared: Transfer | ModelImport, *, wipe: bool, as_json: bool) -> None:
    """Show what a transfer has done."""
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": False})
    else:
        present.result(f"{prepared.target.address}  {summary(len(prepared.sizes), prepared.total_bytes)}")


def write_custom_files(workspace: Workspace, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write a model's custom files; asks before others are replaced. Raises click.Abort if the user declines."""
    from drcli.models import copies

    changed = copies.changed_custom_files(workspace, files)
    if changed and not force:
        click.confirm(f"Replace {', '.join(changed)} in {workspace.custom_files}?", abort=True, err=True)
    copies.write_custom_files(workspace, files)
    present.say(
        f"Wrote its custom files to {workspace.custom_files}"
        + (" (yours are kept as NAME.bak)." if changed else ".")
    )
