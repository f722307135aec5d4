"""The name of the next model: the number in a name goes up, whatever the name is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drcli.config import envfile

DELIMITER = "-"

# More digits than that are no counter. A year inside a name (2022_may_open, reInvent2019_track) is none either.
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,15}(?![0-9])")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_REFERENCE = re.compile(r"\\\$|\$\{[A-Za-z_]\w*(?::-[^}]*)?\}|\$[A-Za-z_]\w*")


def next_name(name: str, delimiter: str = DELIMITER) -> str:
    """The name after `name`: its last number goes up by one, with as many digits; without one, `-1` is added.

    Only what is behind the last slash counts, and nothing of `$NAME` does. A year that is not at the end is no
    number: `2022_may_open` → `2022_may_open-1`, `model-009` → `model-010`, `model-1-E` → `model-2-E`.
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
    """As `next_name`, for the text of an env file; `$NAME` stays as it is.

    Only where the text ends in a name that stands for nothing but a number (`model-$TRY`), that one is written out.
    """
    found = list(_REFERENCE.finditer(text))
    if found and found[-1].end() == len(text):
        name = next(iter(envfile.references(found[-1][0])), "")
        if _NUMBER.fullmatch(values.get(name, "")):
            text = text[: found[-1].start()] + values[name]
    return next_name(text, delimiter)


def escape(text: str) -> str:
    """A literal text as an env file has it: a dollar that refers to nothing."""
    return text.replace("$", "\\$") if envfile.references(text) or "\\$" in text else text


def _last_part(name: str, taken: list[tuple[int, int]]) -> int:
    """Where the part behind the last slash begins; slashes inside `${NAME:-a/b}` do not count."""
    slashes = [at for at, char in enumerate(name) if char == "/"]
    outside = [at for at in slashes if not any(first <= at < last for first, last in taken)]
    return outside[-1] + 1 if outside else 0
