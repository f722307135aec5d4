"""JSON as people write it: `//` and `/* */` comments and trailing commas are accepted with a warning.

Keeps the line of every value, so that errors in types and ranges can name it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from drcli.config.problems import Problem, did_you_mean, raise_for
from drcli.errors import UsageError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

Pointer = tuple[str | int, ...]  # keys and indexes that lead to a value
Fault = tuple[Pointer, str, str]  # path, message, hint

_DEEPEST = 50
_KINDS = {"tuple_type": "a list, [ … ]", "model_type": "an object, { … }"}  # by pydantic's type of an error
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")
    | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<word>(?:true|false|null)\b) | (?P<mark>[{}\[\],:])""",
    re.DOTALL | re.VERBOSE,
)


@dataclass
class Parsed:
    """A JSON value, the line of each value in it, and warnings."""

    value: Any
    filename: str
    lines: dict[Pointer, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def where(self, path: Pointer) -> str:
        """`file:line` of a value, or of the closest enclosing value if it is missing."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.filename}:{self.lines.get(path, 1)}"

    def warn(self, path: Pointer, message: str) -> None:
        """Add a warning about a value."""
        self.warnings.append(f"{self.where(path)}: {message}")

    def reject(self, *faults: Fault) -> None:
        """Raise a UsageError that lists all faults, if there are any."""
        raise_for([Problem(self.where(place), message, hint) for place, message, hint in faults])

    def reject_invalid(
        self, error: ValidationError, keys: Mapping[str, str] = MappingProxyType({})
    ) -> NoReturn:
        """Raise a UsageError with pydantic's findings; `keys`: a field's name → its key in the file."""
        self.reject(*(_fault(found, keys) for found in error.errors()))
        raise error


def parse(text: str | bytes, filename: str) -> Parsed:
    """Parse one JSON document.

    Raises:
        UsageError: not UTF-8 or not JSON; with file, line, column, the line itself and a hint.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise UsageError(f"{filename}:{line}: not UTF-8 text", "save the file as UTF-8") from None
    return _Reader(text.removeprefix("\ufeff"), filename).document()


class _Reader:
    def __init__(self, text: str, filename: str) -> None:
        self.text = text
        self.parsed = Parsed(None, filename)
        self.at = 0
        self.token = ("start", "", 0)  # kind, text, offset
        self.last_end = 0
        self.advance()

    def document(self) -> Parsed:
        if self.token[0] == "end":
            self.fail("the file is empty", "`dr init` writes one to start from")
        self.parsed.value = self.value(())
        if self.token[0] != "end":
            self.fail("text after the end of the document")
        return self.parsed

    def advance(self) -> None:
        """Move to the next token, past spaces and comments."""
        self.last_end = self.at
        while self.at < len(self.text):
            match = _TOKEN.match(self.text, self.at)
            if match is None:
                self.token = ("", self.text[self.at], self.at)
                self.fail(*self.diagnosis())
            kind = str(match.lastgroup)
            start, self.at = self.at, match.end()
            if kind == "comment":
                self.tolerate(start, "comments are not valid JSON; other tools may reject the file")
            elif kind != "space":
                self.token = (kind, match.group(), start)
                return
        self.token = ("end", "", self.at)

    def value(self, path: Pointer) -> Any:
        kind, text, start = self.token
        self.parsed.lines.setdefault(path, self.line(start))
        if len(path) > _DEEPEST:
            self.fail("nested too deeply")
        if text == "{":
            return self.object(path)
        if text == "[":
            return self.array(path)
        if kind not in ("string", "number", "word"):
            self.fail("a value is missing" if kind in ("mark", "end") else "not a value")
        return self.scalar()

    def scalar(self) -> Any:
        try:
            value = json.loads(self.token[1])
        except ValueError:
            self.fail("an invalid escape, or a number that is too long", r"write \\ for a backslash")
        self.advance()
        return value

    def object(self, path: Pointer) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.advance()
        while self.token[1] != "}":
            kind, _, start = self.token
            if kind != "string":
                self.fail("a key in double quotes is missing")
            key = self.scalar()
            if key in found:
                self.tolerate(start, f"{key} is set twice; the last one counts")
            self.expect(":", "a colon is missing")
            self.parsed.lines[(*path, key)] = self.line(start)
            found[key] = self.value((*path, key))
            self.separator("}")
        self.advance()
        return found

    def array(self, path: Pointer) -> list[Any]:
        found: list[Any] = []
        self.advance()
        while self.token[1] != "]":
            found.append(self.value((*path, len(found))))
            self.separator("]")
        self.advance()
        return found

    def separator(self, closing: str) -> None:
        """A comma between two values, or nothing before `closing`."""
        if self.token[1] == closing:
            return
        start = self.token[2]
        self.expect(",", f"a comma or {closing} is missing")
        if self.token[1] == closing:
            self.tolerate(
                start, f"a comma before {closing} is not valid JSON; other tools may reject the file"
            )

    def expect(self, mark: str, message: str) -> None:
        if self.token[:2] != ("mark", mark):
            # Reported where it should have been, often at the end of the line above.
            self.token = ("", "", self.last_end)
            self.fail(message)
        self.advance()

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def tolerate(self, offset: int, message: str) -> None:
        """Warn about the first occurrence of each kind."""
        if not any(warning.endswith(message) for warning in self.parsed.warnings):
            self.parsed.warnings.append(f"{self.parsed.filename}:{self.line(offset)}: {message}")

    def diagnosis(self) -> tuple[str, str]:
        """Message and hint for text that is not a token."""
        rest = self.text[self.at :]
        if rest[0] == "'":
            return "single quotes", 'JSON uses double quotes: "name"'
        if rest[0] == '"':
            return "a string that does not end on its line", 'close it with "'
        if rest.startswith("/*"):
            return "a comment that does not end", "close it with */"
        if rest[0] == "#":
            return "# does not start a comment here", "use // or remove it"
        word = re.match(r"[\w.+-]+", rest)
        if word and word[0] in ("True", "False", "None"):
            return f"{word[0]} is Python", f"JSON uses {'null' if word[0] == 'None' else word[0].lower()}"
        if word and word[0][0] in "0123456789.+-":
            return f"{word[0]} is not a JSON number", "write numbers like 0.5, -30 or 1e-4"
        return f"{word[0] if word else rest[0]} is not allowed here", "strings and keys need double quotes"

    def fail(self, message: str, hint: str = "") -> NoReturn:
        """Raise for the current token."""
        offset = self.token[2]
        start = self.text.rfind("\n", 0, offset) + 1
        shown = self.text[start:].partition("\n")[0].strip()[:100]
        column = offset - start + 1
        raise UsageError(f"{self.parsed.filename}:{self.line(offset)}:{column}: {message}\n  {shown}", hint)


def _fault(found: ErrorDetails, keys: Mapping[str, str]) -> Fault:
    first, *rest = found["loc"]
    place = (keys.get(str(first), first), *rest)
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)[1:]
    if found["type"] == "missing":
        return place, f"{name} is missing", ""
    value = json.dumps(found["input"], ensure_ascii=False)
    value = value if len(value) <= 60 else f"{value[:60]}…"
    message = _KINDS.get(found["type"]) or found["msg"]
    message = message.removeprefix("Value error, ").removeprefix("Input should be ")
    choices = re.findall(r"'([^']+)'", str(found.get("ctx", {}).get("expected", "")))
    return place, f"{name} is {value}: it should be {message}", did_you_mean(str(found["input"]), choices)
