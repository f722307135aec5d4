"""Problems in a file and their places: collected first, then reported together.

Every reader in this package (env files, settings, JSON files) collects `Problem`s and passes them to `raise_for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drcli.errors import UsageError

# Characters that a terminal would obey instead of showing: control characters and changes of text direction.
_OBEYED = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]")


@dataclass(frozen=True)
class Problem:
    """One problem: `where` is `file:line` (or `--set`), `hint` says how to fix it."""

    where: str
    message: str
    hint: str = ""


def raise_for(problems: Sequence[Problem]) -> None:
    """Report the problems, if there are any.

    Raises:
        UsageError: lists every problem with its place and hint.
    """
    if not problems:
        return
    if len(problems) == 1:
        (only,) = problems
        raise UsageError(_shown(f"{only.where}: {only.message}"), only.hint)
    lines = [f"{len(problems)} problems:"]
    for problem in problems:
        hint = f"\n    {problem.hint}" if problem.hint else ""
        lines.append(f"  {problem.where}: {problem.message}{hint}")
    raise UsageError(_shown("\n".join(lines)))


def _shown(text: str) -> str:
    return _OBEYED.sub(lambda match: repr(match[0])[1:-1], text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean A or B?` for the names in `known` closest to `word`, ignoring case; else an empty text."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    near = [names[match] for match in get_close_matches(word.lower(), names, n=3, cutoff=0.75)]
    return f"did you mean {' or '.join(near)}?" if near else ""
