"""Changing values in an env file in place: comments, order, quotes and line endings are preserved.

Works on bytes, so that nothing else can change; the loader's own parser checks that a new line reads as intended.
`edited` only plans an edit, `Edit.write` makes it, atomically.
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
    """A line before (empty: it is new) and after the edit, without line ending; `number`: its new line number."""

    number: int
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change in diff notation."""
        return f"-{self.before}\n+{self.after}" if self.before else f"+{self.after}"


@dataclass(frozen=True)
class Edit:
    """What a file would become."""

    path: Path
    before: bytes
    after: bytes
    lines: tuple[ChangedLine, ...]

    def write(self) -> None:
        """Replace the file atomically, keeping its permissions. A symbolic link is followed.

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


def edited(data: bytes, values: Mapping[str, str], filename: str) -> tuple[bytes, tuple[ChangedLine, ...]]:
    """The content of an env file with `values` set, and the changed lines. Pure.

    values: name → text before expansion: `$NAME` refers to another setting.

    If a name is assigned twice, the last assignment is changed, since it is the effective one. A new name gets a line
    before the first line that refers to it, otherwise at the end.
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
    """`line` with another value; keeps its comment and, where possible, its quotes."""
    content = _content(line)
    parts = _PARTS.fullmatch(content)
    # The parser accepted the line, so the pattern has a gap: better to lose the comment than to write a wrong value.
    if parts is None:
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
        f"The value of {name} cannot be written in an env file.",
        "A value has to be one line of text without control characters.",
    )


def _spellings(value: str, quote: str) -> Iterator[str]:
    """Ways to write a value, starting with the one that uses `quote`."""
    escaped = value.replace("\\", "\\\\")
    ways = {
        '"': '"' + escaped.replace('"', '\\"') + '"',
        "'": "'" + escaped.replace("'", "\\'") + "'",
    }
    ways = ways | {"": value} if quote else {"": value} | ways
    yield ways.pop(quote)
    yield from ways.values()


def _reads(line: str, name: str, value: str) -> bool:
    """Whether the loader reads exactly this value from the line, and expands references in it."""
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
