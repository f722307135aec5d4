"""Lines of a service's log: stdout, which the launcher stores."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def line(text: str) -> None:
    """Write one line immediately."""
    lines((text,))


def lines(texts: Iterable[str]) -> None:
    """Write several lines at once, so that those of an episode stay together."""
    sys.stdout.write("".join(f"{text}\n" for text in texts))
    sys.stdout.flush()
