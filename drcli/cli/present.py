"""The only module that prints: results to stdout, messages to stderr, tables and JSON from the same data."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live as RichLive

_UNLIMITED = 10_000  # columns


def result(text: str) -> None:
    """Print a result to stdout."""
    click.echo(text)


def say(text: str) -> None:
    """Print a message (progress, notice) to stderr."""
    click.echo(text, err=True)


def say_all(texts: Iterable[str]) -> None:
    """Print each text as a message."""
    for text in texts:
        say(text)


def warn(text: str) -> None:
    """Print a warning to stderr."""
    click.echo(click.style("warning: ", fg="yellow") + text, err=True)


def warn_all(texts: Iterable[str]) -> None:
    """Print each text as a warning."""
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


def as_csv(rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows with the same keys as CSV to stdout."""
    import csv

    rows = list(rows)
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else (), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def table(
    rows: Iterable[Mapping[str, object]], columns: Sequence[str] = (), *, are_names: bool = False
) -> None:
    """Print rows with the same keys as a table: within the width of a terminal, as wide as needed in a pipe.

    are_names: the keys are names of the user's, which are shown as they are.
    """
    if sys.stdout.isatty():
        result(format_table(rows, columns, *terminal(), are_names=are_names))
    else:
        result(format_table(rows, columns, are_names=are_names))


def format_table(
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[str] = (),
    width: int = _UNLIMITED,
    colour: bool = False,
    *,
    are_names: bool = False,
) -> str:
    """Rows with the same keys as aligned text; numbers are right-aligned, cells wrap beyond `width`. Pure."""
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    if not rows:
        return ""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    names = list(columns) or list(rows[0])
    for name in names:
        is_number = all(isinstance(row.get(name), int | float | None) for row in rows)
        shown.add_column(
            Text(name if are_names else name.replace("_", " ")),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    for row in rows:
        shown.add_row(*(Text(cell(row.get(name))) for name in names))
    return render(shown, width, colour=colour)


def render(what: RenderableType, width: int, *, colour: bool = False) -> str:
    """Render a rich object as text, without trailing spaces. Pure."""
    from rich.console import Console

    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(what)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines())


def size(count: int) -> str:
    """A number of bytes in a suitable unit: `12 bytes`, `51.2 MB`."""
    from rich.filesize import decimal

    return decimal(count)


def cell(value: object) -> str:
    """A value as it is shown in a table."""
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


def talk_console() -> Console:
    """The console for messages."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False, markup=False)


class Live:
    """A status line that is overwritten, below lines that stay. Without a terminal there is no status line."""

    def __init__(self) -> None:
        self._shown: RichLive | None = None

    def line(self, text: str) -> None:
        """Show `text` as the status line."""
        if not sys.stderr.isatty():
            return
        from rich.live import Live as RichLive
        from rich.text import Text

        if self._shown is None:
            self._shown = RichLive(
                console=talk_console(), auto_refresh=False, transient=True, redirect_stdout=False
            )
            self._shown.start()
        self._shown.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._shown is None:
            say(text)
        else:
            self._shown.console.print(text, soft_wrap=True)

    def clear(self) -> None:
        """Remove the status line."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


@contextmanager
def live() -> Iterator[Live]:
    """A live status line for the duration of a `with` block."""
    shown = Live()
    try:
        yield shown
    finally:
        shown.clear()


class Transfer:
    """A progress bar with bytes and speed for file transfers. Without a terminal there is no bar."""

    def __init__(self, verb: str) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
        from rich.table import Column

        self._verb = verb
        self._bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn(
                "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
            console=talk_console(),
            transient=True,
            redirect_stdout=False,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(verb, total=None)

    def tell(self, name: str, done: int, total: int) -> None:
        """Update the bar: `done` of `total` bytes, currently `name`. May be called from any thread."""
        self._bar.update(self._task, description=f"{self._verb} {name}", completed=done, total=total)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._bar.disable:
            say(text)
        else:
            self._bar.console.print(text, soft_wrap=True)


@contextmanager
def transfer(verb: str) -> Iterator[Transfer]:
    """A progress bar for the duration of a `with` block."""
    shown = Transfer(verb)
    with shown._bar:
        yield shown


@contextmanager
def progress(verb: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for the duration of a `with` block: call it with what is done, and of how much.

    Without a terminal there is no bar.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=talk_console(),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task(verb, total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)
