"""Charts of one or several rows of text, from the block characters ▁ to █. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"
_LEVELS = len(_BLOCKS) - 1  # of one row
WIDEST = 3  # columns of one value


def block_chart(
    values: Sequence[float],
    width: int,
    rows: int = 1,
    *,
    low: float | None = None,
    high: float | None = None,
) -> list[str]:
    """The values as columns, oldest on the left, as `rows` lines of at most `width` characters; top line first.

    More values than columns: each column is the mean of its share; fewer: they are up to WIDEST columns wide.
    low, high: the ends of the scale; by default the smallest and the largest column. What is not finite is left out.
    """
    columns = _columns([value for value in values if math.isfinite(value)], width)
    if not columns:
        return [""] * rows
    bottom = min(columns) if low is None else low
    top = max(columns) if high is None else high
    each = min(max(width // len(columns), 1), WIDEST)
    levels = [_level(value, bottom, top, rows * _LEVELS) for value in columns for _ in range(each)]
    return [
        "".join(_BLOCKS[min(max(level - row * _LEVELS, 0), _LEVELS)] for level in levels)
        for row in reversed(range(rows))
    ]


def _columns(values: Sequence[float], width: int) -> list[float]:
    """At most `width` means of equal shares of the values."""
    count = min(len(values), max(width, 0))
    edges = [column * len(values) // count for column in range(count)] + [len(values)]
    return [math.fsum(values[start:end]) / (end - start) for start, end in pairwise(edges)]


def _level(value: float, bottom: float, top: float, levels: int) -> int:
    """1 at the bottom, so that every value is seen; `levels` at the top; the middle if all are the same."""
    if top <= bottom:
        return (levels + 1) // 2
    share = min(max((value - bottom) / (top - bottom), 0.0), 1.0)
    return 1 + round(share * (levels - 1))
