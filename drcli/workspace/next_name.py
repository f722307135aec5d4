"""The name of the next model: increments the number in a name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drcli.config import envfile

DELIMITER = "-"

# A longer number is not a counter; nor is a year inside a name (2022_may_open, reInvent2019_track).
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,15}(?![0-9])")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_REFERENCE = re.compile(r"\\\$|\$\{[A-Za-z_]\w*(?::-[^}]*)?\}|\$[A-Za-z_]\w*")


def next_name(name: str, delimiter: str = DELIMITER) -> str:
    """The name after `name`: increments its last number, keeping leading zeros, or appends `-1` if it has none.

    Only the part after the last slash counts, without references such as `$NAME`. A year counts as a number only
    at the end: `2022_may_open` → `2022_may_open-1`, `model-009` → `model-010`, `model-1-E` → `model-2-E`.
    """
    kept = name.rstrip("/")
    taken = [match.span() for match in _REFERENCE.finditer(kept)]
    start = _last_part(kept, taken)
    for match in reversed(list(_NUMBER.finditer(kept, start))):
        inside = any(first <= match.start() < last for first, last in taken)
        is_year = _YEAR.fullmatch(match[0]) and match.end() < len(kept)
        if not inside and not is_year:
            number = str(int(match[0]) + 1).zfill(len(match[0]))
            return kept[: match.start()] + number + kept[match.end() :] + name[len(kept) :]
    return f"{kept}{delimiter}1{name[len(kept) :]}"


def next_text(text: str, values: Mapping[str, str], delimiter: str = DELIMITER) -> str:
    """Like `next_name`, for unexpanded text of an env file: `$NAME` is kept.

    Exception: a reference at the end whose value is a plain number (`model-$TRY`) is replaced by its value.
    """
    found = list(_REFERENCE.finditer(text))
    if found and found[-1].end() == len(text):
        name = next(iter(envfile.references(found[-1][0])), "")
        if _NUMBER.fullmatch(values.get(name, "")):
            text = text[: found[-1].start()] + values[name]
    return next_name(text, delimiter)


def escape(text: str) -> str:
    """Escape dollar signs, so that an env file takes the text literally."""
    return text.replace("$", "\\$") if envfile.references(text) or "\\$" in text else text


def _last_part(name: str, taken: list[tuple[int, int]]) -> int:
    """Index of the part after the last slash; slashes inside `${NAME:-a/b}` do not count."""
    slashes = [at for at, char in enumerate(name) if char == "/"]
    outside = [at for at in slashes if not any(first <= at < last for first, last in taken)]
    return outside[-1] + 1 if outside else 0
