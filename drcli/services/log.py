"""Lines of a service's log: stdout, which the launcher keeps. Formats that tools parse are those of coach."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def line(text: str) -> None:
    """One line, at once."""
    lines((text,))


def lines(texts: Iterable[str]) -> None:
    """Some lines in one write, so that those of an episode stay together."""
    sys.stdout.write("".join(f"{text}\n" for text in texts))
    sys.stdout.flush()


def coach(prefix: str, values: dict[str, object]) -> None:
    """`prefix> k=v, k=v`, the form of rl_coach's screen log that deepracer tools parse."""
    line(f"{prefix}> " + ", ".join(f"{key}={value}" for key, value in values.items()))
