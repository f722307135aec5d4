"""The only module that prints: results to stdout, messages to stderr, tables and JSON from the same data."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import click


def result(text: str) -> None:
    """Print a result to stdout."""
    click.echo(text)


def say(text: str) -> None:
    """Print a message (progress, notice) to stderr."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning to stderr."""
    click.echo(click.style("warning: ", fg="yellow") + text, err=True)


def warn_all(texts: Iterable[str]) -> None:
    """Each of them as a warning."""
    for text in texts:
        warn(text)


def next_step(command: str, why: str) -> None:
    """Suggest the next command, for the same experiment; every command ends with this."""
    context = click.get_current_context(silent=True)
    if context is not None and context.obj and command.startswith("dr ") and " -e " not in command:
        command = f"dr -e {shlex.quote(str(context.obj))} {command.removeprefix('dr ')}"
    click.echo(
        click.style("next: ", fg="cyan") + f"{command}   {click.style('# ' + why, dim=True)}", err=True
    )


def as_json(value: object) -> None:
    """Print a value as indented JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def format_table(rows: Iterable[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Rows with the same keys as an aligned plain-text table; numbers are right-aligned. Pure."""
    rows = list(rows)
    if not rows:
        return ""
    names = list(columns) or list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    right = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]

    def line(parts: Sequence[str]) -> str:
        padded = (
            part.rjust(width) if to_right else part.ljust(width)
            for part, width, to_right in zip(parts, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line([name.replace("_", " ") for name in names]), *(line(parts) for parts in cells)])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)


def terminal() -> tuple[int, bool]:
    """The width of the terminal, and whether results may be coloured."""
    from drcli import env

    return shutil.get_terminal_size().columns, sys.stdout.isatty() and not env.read(env.NO_COLOR)


class Live:
    """A status line that is overwritten, below lines that stay. Without a terminal there is no status line."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._text = ""

    def line(self, text: str) -> None:
        """Show `text` as the status line."""
        if self._is_terminal and text != self._text:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\033[K{text[:width]}", nl=False, err=True)
            self._text = text

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        say(text)

    def clear(self) -> None:
        """Remove the status line."""
        if self._text:
            click.echo("\r\033[K", nl=False, err=True)
            self._text = ""


@contextmanager
def live() -> Iterator[Live]:
    """A live status line for the duration of a `with` block."""
    shown = Live()
    try:
        yield shown
    finally:
        shown.clear()
