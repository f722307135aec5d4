"""Sections of a dashboard: lines below a title, which give way to more important ones where there is no room. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text


@dataclass(frozen=True)
class Section:
    """Lines of text. weight: the lightest section loses lines first, down to `keep`, then as a whole.

    rest: what the last line says of lines that are left out, such as `services`; empty: nothing.
    """

    title: str
    lines: tuple[Text, ...]
    weight: int
    keep: int = 1
    rest: str = ""

    @property
    def height(self) -> int:
        """Lines that it takes, 0 without content."""
        return len(self.lines) + bool(self.title) if self.lines else 0

    def cut(self, count: int) -> Section:
        """With at most `count` lines."""
        if count >= len(self.lines):
            return self
        lines = self.lines[:count]
        if self.rest and count > 1:
            more = Text(f"… and {len(self.lines) - count + 1} more {self.rest}", style="dim")
            lines = (*lines[:-1], more)
        return replace(self, lines=lines)


def fit(sections: Sequence[Section], height: int | None) -> list[Section]:
    """The sections, with as many of their lines as `height` has room for; None: all."""
    kept = [section for section in sections if section.lines]
    if height is None:
        return kept
    for shrink in (True, False):
        for section in sorted(kept, key=lambda each: each.weight):
            excess = total(kept) - height
            if excess <= 0:
                return kept
            at = kept.index(section)
            if shrink:
                kept[at] = section.cut(max(section.keep, len(section.lines) - excess))
            else:
                del kept[at]
    return kept


def total(sections: Sequence[Section]) -> int:
    """Lines that they take."""
    return sum(section.height for section in sections)


def stacked(sections: Sequence[Section], width: int) -> list[Text]:
    """Below each other, each line at most `width` characters wide."""
    lines: list[Text] = []
    for section in sections:
        if section.title and section.lines:
            rule = "─" * max(width - cell_len(section.title) - 4, 0)
            lines.append(Text.assemble(("── ", "dim"), (section.title, "bold"), (f" {rule}", "dim")))
        lines += section.lines
    return [cut(line, width) for line in lines]


def beside(left: Sequence[Text], right: Sequence[Text], left_width: int, gap: int = 3) -> list[Text]:
    """Two columns of lines."""
    rows = max(len(left), len(right))
    first = [*left, *(Text() for _ in range(rows - len(left)))]
    second = [*right, *(Text() for _ in range(rows - len(right)))]
    return [pad(one, left_width + gap).append_text(two) for one, two in zip(first, second, strict=True)]


def cut(line: Text, width: int) -> Text:
    """A copy of at most `width` characters, with … where something is missing."""
    line = line.copy()
    line.truncate(max(width, 0), overflow="ellipsis")
    return line


def pad(line: Text, width: int) -> Text:
    """A copy of exactly `width` characters."""
    line = cut(line, width)
    line.pad_right(max(width - line.cell_len, 0))
    return line
