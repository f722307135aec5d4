"""Lines of a service's log: stdout, which the launcher keeps."""

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
