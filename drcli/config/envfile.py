"""Env files: text to assignments with line numbers, and `$VAR` references to values.

Understands what real env files contain: comments, quotes, `export`, CRLF, a byte order mark.
Nothing is ever executed: `$(command)` stays text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drcli.config.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"(export\s+)?\w*(SECRET|KEY|TOKEN|PASSWORD)\w*(?=\W)", re.IGNORECASE)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")  # all but the tab
# `\$` is a plain dollar; `${NAME:-text}` has a fallback text, as in a shell.
_REFERENCE = re.compile(r"\\\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$([A-Za-z_]\w*)")
_LONGEST = 10_000  # characters per line; the parser's patterns are slow on longer ones
_WRITE_SO = "write one NAME=value per line, comments after #"


@dataclass(frozen=True)
class Assignment:
    """`key=value` as written, without quotes and comment; a `literal` (in single quotes) is never expanded."""

    key: str
    value: str
    where: str
    literal: bool = False


@dataclass(frozen=True)
class Value:
    """An expanded text and its source: `file:line`, `--set` or `default`."""

    text: str
    source: str


@dataclass
class Scope:
    """The variables known so far, in order of assignment."""

    known: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # names that values refer to
    notices: list[str] = field(default_factory=list)


def parse(data: bytes, filename: str) -> tuple[list[Assignment], list[Problem]]:
    """The assignments of an env file, in order, and a problem for each line that is not an assignment."""
    text, problem = _decode(data, filename)
    if problem:
        return [], [problem]
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for number, line in enumerate(_NEWLINE.split(text), start=1):
        found = _parse_line(line, f"{filename}:{number}")
        if isinstance(found, Problem):
            problems.append(found)
        elif found:
            assignments.append(found)
    return assignments, problems


def parse_override(text: str, where: str) -> Assignment | Problem:
    """The assignment in `KEY=VALUE` of a command line; the shell has already handled quotes and comments."""
    key, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(key):
        return Problem(where, f"not KEY=VALUE: {_shown(text)}", "write it as in --set DR_WORKERS=2")
    return _checked(Assignment(key, value, where))


def expand_all(assignments: Iterable[Assignment], scope: Scope, outer: Mapping[str, str]) -> None:
    """Add `assignments` to `scope`, each expanded with the values known at that point.

    A name that is not set anywhere, not even in `outer` (the process environment), expands to an empty text,
    with a notice.
    """
    for assignment in assignments:
        text = assignment.value
        if not assignment.literal:
            text = _expand(assignment, scope, outer)
        scope.known[assignment.key] = Value(text, assignment.where)


def references(text: str) -> set[str]:
    """Names of the variables that `text` refers to."""
    return {match[1] or match[3] for match in _REFERENCE.finditer(text)} - {None}


def _decode(data: bytes, filename: str) -> tuple[str, Problem | None]:
    hint = "save the file as UTF-8 text"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", Problem(f"{filename}:{line}", f"byte 0x{data[error.start]:02x} is not UTF-8 text", hint)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return "", Problem(f"{filename}:{line}", "a NUL byte: this is not a text file", hint)
    return text, None


def _parse_line(line: str, where: str) -> Assignment | Problem | None:
    from dotenv.parser import parse_stream

    if not line.strip() or line.lstrip().startswith("#"):
        return None
    if len(line) > _LONGEST:
        return Problem(where, f"a line of {len(line):,} characters", f"the limit is {_LONGEST:,}")
    # One line at a time: a quote that is never closed must not swallow the lines below it.
    bindings = list(parse_stream(io.StringIO(line)))
    key, value = bindings[0].key, bindings[0].value
    if len(bindings) != 1 or not key or value is None or not _NAME.fullmatch(key):
        return Problem(where, f"not an assignment: {_shown(line)}", _hint(line))
    right = line.partition("=")[2]
    if right[:1].isspace() and right.lstrip().startswith("#"):
        value = ""
    return _checked(Assignment(key, value, where, literal=right.lstrip().startswith("'")))


def _checked(found: Assignment) -> Assignment | Problem:
    if _CONTROL.search(found.value):
        return Problem(
            found.where, f"{found.key} contains a control character", "single quotes keep backslashes"
        )
    return found


def _shown(line: str) -> str:
    """The line without its value, which may be a secret; without what follows a name if the `=` is missing."""
    left, equals, _ = line.strip().partition("=")
    if name := _SECRET.match(left):
        return f"{name[0][:60]} …"
    return f"{left[:60]}{equals}{'…' if equals else ''}"


def _hint(line: str) -> str:
    if line.partition("=")[2].lstrip()[:1] in ("'", '"'):
        return "quotes go around the whole value and must be closed"
    return _WRITE_SO


def _expand(assignment: Assignment, scope: Scope, outer: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if not name:
            return "$"
        scope.used.add(name)
        text = scope.known[name].text if name in scope.known else outer.get(name)
        if text or (text is not None and match[2] is None):
            return text
        if match[2] is None:
            scope.notices.append(
                f"{assignment.where}: {assignment.key} uses ${name}, which is not set above; treated as empty"
            )
        return match[2] or ""

    return _REFERENCE.sub(replace, assignment.value)
