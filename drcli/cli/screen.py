"""What a run is shown on while it is followed: the whole screen of a terminal, or a status line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from drcli.cli import present

if TYPE_CHECKING:
    from rich.console import RenderableType


class View(Protocol):
    """What a run is shown on while it is followed."""

    def show(self, line: Callable[[], str], picture: Callable[[int, int], RenderableType]) -> None:
        """Show the present state: as a line, or as a picture of a width and a height."""

    def say(self, text: str) -> None:
        """Say something that stays."""


class StatusLine:
    """A status line below lines that stay; without a terminal there is none."""

    def __init__(self, live: present.Live) -> None:
        self.say = live.say
        self._live = live

    def show(self, line: Callable[[], str], picture: Callable[[int, int], RenderableType]) -> None:
        """Show `line`."""
        self._live.line(line())


class Screen:
    """A picture over the whole terminal, fitted to its size; what is said meanwhile follows when it is closed."""

    def __init__(self) -> None:
        from rich.live import Live as RichLive

        self._said: list[str] = []
        self._console = present.talk_console()
        self._shown = RichLive(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._shown.start()

    def show(self, line: Callable[[], str], picture: Callable[[int, int], RenderableType]) -> None:
        """Show `picture` for the width and the height of the terminal."""
        self._shown.update(picture(*self._console.size), refresh=True)

    def say(self, text: str) -> None:
        """Keep a line until the screen is closed."""
        self._said.append(text)

    def close(self) -> None:
        """Bring back what was there before, and add what was said."""
        self._shown.stop()
        present.say_all(self._said)


def has_screen() -> bool:
    """Whether a `Screen` can be shown: results and messages go to a terminal that can do more than print lines."""
    is_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return (
        is_terminal and not present.talk_console().is_dumb_terminal and sys.stderr.encoding.startswith("utf")
    )


@contextmanager
def screen() -> Iterator[Screen]:
    """A screen for the duration of a `with` block, also if the command is terminated."""
    shown = Screen()
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield shown
    finally:
        signal.signal(signal.SIGTERM, before)
        shown.close()


@contextmanager
def view(*, is_line: bool) -> Iterator[View]:
    """A screen where there can be one, unless a line is enough; else a live status line."""
    if has_screen() and not is_line:
        with screen() as shown:
            yield shown
    else:
        with present.live() as live:
            yield StatusLine(live)
