"""Changing values in an env file in place: comments, order, quotes and line ends of everything else stay.

Works on bytes, so that what is not touched cannot change; the loader's own parser says whether a new line reads as
wanted. `plan_edit` changes nothing yet, `Edit.write` does, in one step.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from drcli.config import envfile
from drcli.config.envfile import Assignment
from drcli.config.problems import raise_for
from drcli.errors import DrError, UsageError
from drcli.local import write_atomically

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_PARTS = re.compile(
    r"""(?P<head>\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)\s*=(?:[^\S\r\n]+(?![\s\#]))?)
    (?P<value>'(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | (?!['"])(?:(?!\s+\#).)*?)
    (?P<tail>\s*|\s+\#.*|(?<=['"])\#.*)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class ChangedLine:
    """One line before (empty: it is new) and after, without line ends; `number` is its place afterwards."""

    number: int
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a diff shows it."""
        return f"-{self.before}\n+{self.after}" if self.before else f"+{self.after}"


@dataclass(frozen=True)
class Edit:
    """What a file would become."""

    path: Path
    before: bytes
    after: bytes
    lines: tuple[ChangedLine, ...]

    def write(self) -> None:
        """Replace the file in one step; its permissions stay. Behind a link, the file that it leads to.

        Raises:
            DrError: the file has changed since the edit was planned, or cannot be written.
        """
        path = self.path.resolve()
        try:
            if path.read_bytes() != self.before:
                raise DrError(f"{self.path} has changed meanwhile; nothing was written.", "Try again.")
            if self.after == self.before:
                return
            write_atomically(path, self.after, mode=stat.S_IMODE(path.stat().st_mode), durable=True)
        except OSError as error:
            raise DrError(f"Cannot write {self.path}: {error.strerror}.") from None


def plan_edit(path: Path, values: Mapping[str, str]) -> Edit:
    """What `path` becomes with `values`; writes nothing.

    Args:
        path: the env file.
        values: name → text as the loader sees it before it expands: `$NAME` refers to another setting.

    Raises:
        DrError: the file cannot be read.
        UsageError: it holds something that is no assignment, or a value that cannot stand in an env file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.") from None
    after, lines = edited(data, values, path.name)
    return Edit(path, data, after, lines)


def edited(data: bytes, values: Mapping[str, str], filename: str) -> tuple[bytes, tuple[ChangedLine, ...]]:
    """The content of an env file with `values` set, and the lines that changed. As `plan_edit`; pure.

    Of a name that is assigned twice the last one, which counts, is changed. One that is not assigned gets a line
    before the first that refers to it, else at the end.
    """
    assignments, problems = envfile.parse(data, filename)
    raise_for(problems)
    bom = _BOM if data.startswith(_BOM) else b""
    lines = _LINE.findall(data[len(bom) :].decode())
    place = {item.key: int(item.where.rpartition(":")[2]) - 1 for item in assignments}
    newline = _line_end(lines[0]) if lines else "\n"
    changed: dict[int, str] = {}
    added: list[tuple[int, str]] = []
    for name, value in values.items():
        if name in place:
            changed[place[name]] = _replaced(changed.get(place[name], lines[place[name]]), name, value)
        else:
            added.append((_place_of_new(assignments, name, len(lines)), _written(name, value)))
    return _put_together(bom, lines, changed, added, newline or "\n")


def _put_together(
    bom: bytes, lines: list[str], changed: dict[int, str], added: list[tuple[int, str]], newline: str
) -> tuple[bytes, tuple[ChangedLine, ...]]:
    text: list[str] = []
    diff = []
    for index, line in enumerate([*lines, ""]):
        for _, new in (pair for pair in added if pair[0] == index):
            if text and not _line_end(text[-1]):
                text[-1] += newline
            text.append(new + newline)
            diff.append(ChangedLine(len(text), "", new))
        after = changed.get(index, line)
        text.append(after)
        if after != line:
            diff.append(ChangedLine(len(text), _content(line), _content(after)))
    return bom + "".join(text).encode(), tuple(diff)


def _place_of_new(assignments: list[Assignment], name: str, end: int) -> int:
    for item in assignments:
        if not item.literal and name in envfile.references(item.value):
            return int(item.where.rpartition(":")[2]) - 1
    return end


def _replaced(line: str, name: str, value: str) -> str:
    """`line` with another value; its comment and, where they can, its quotes stay."""
    content = _content(line)
    parts = _PARTS.fullmatch(content)
    if (
        parts is None
    ):  # the parser took it, so this is a hole in the pattern: better no comment than a wrong value
        return _written(name, value) + _line_end(line)
    quote = parts["value"][:1] if parts["value"][:1] in ("'", '"') else ""
    for text in _spellings(value, quote):
        found = f"{parts['head']}{text}{parts['tail']}"
        if _reads(found, name, value):
            return found + _line_end(line)
    return _written(name, value) + _line_end(line)


def _written(name: str, value: str) -> str:
    for text in _spellings(value, ""):
        if _reads(f"{name}={text}", name, value):
            return f"{name}={text}"
    raise UsageError(
        f"The value for {name} cannot stand in an env file.",
        "A value is one line of text without control characters.",
    )


def _spellings(value: str, quote: str) -> Iterator[str]:
    """Ways to write a value, the one with `quote` first."""
    escaped = value.replace("\\", "\\\\")
    ways = {
        '"': '"' + escaped.replace('"', '\\"') + '"',
        "'": "'" + escaped.replace("'", "\\'") + "'",
    }
    ways = ways | {"": value} if quote else {"": value} | ways
    yield ways.pop(quote)
    yield from ways.values()


def _reads(line: str, name: str, value: str) -> bool:
    """Does the loader read this very value from the line, and does it expand what it should?"""
    try:
        found, problems = envfile.parse(line.encode(), "")
    except UnicodeEncodeError:
        return False
    if problems or len(found) != 1:
        return False
    (only,) = found
    return (only.key, only.value) == (name, value) and not (only.literal and "$" in value)


def _content(line: str) -> str:
    return line.rstrip("\r\n")


def _line_end(line: str) -> str:
    return line[len(_content(line)) :]
