"""What the commands that move models have in common: what goes where, what would go, a bar while bytes move."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.models.copies import Transfer

_MB = 1e6
_SHOWN = 20  # of a long list; the rest is counted


def size(count: int) -> str:
    """Bytes in the unit that fits."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.1f} kB" if count < _MB else f"{count / _MB:.1f} MB"


def summary(count: int, size_bytes: int) -> str:
    """`12 files, 51.2 MB`."""
    return f"{count} file{'' if count == 1 else 's'}, {size(size_bytes)}"


def show_files(sizes: Mapping[str, int]) -> None:
    """Names and sizes, to stdout."""
    width = max((len(size(count)) for count in sizes.values()), default=0)
    for name, count in sorted(sizes.items()):
        present.result(f"  {size(count):>{width}}  {name}")


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


@contextmanager
def bar(verb: str) -> Iterator[Callable[[str, int, int], None]]:
    """A status line with a bar, bytes and speed; without a terminal nothing."""
    started = time.monotonic()
    with present.live() as live:

        def tell(name: str, done: int, total: int) -> None:
            seconds = max(time.monotonic() - started, 1e-3)
            live.line(_bar(f"{verb} {name}", done, total, seconds))

        yield tell


def _bar(what: str, done: int, total: int, seconds: float) -> str:
    """One line; the bar takes what the words leave. Pure."""
    share = done / total if total else 1.0
    speed = f"{done / _MB / seconds:.1f}"
    words = f"{share:4.0%} {size(done):>8} of {size(total)}, {speed:>5} MB/s  {what}"
    width = max(min(shutil.get_terminal_size().columns - len(words) - 4, 30), 5)
    full = round(share * width)
    is_utf8 = (sys.stderr.encoding or "").lower().startswith("utf")
    return ("█" if is_utf8 else "#") * full + ("░" if is_utf8 else ".") * (width - full) + " " + words


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
