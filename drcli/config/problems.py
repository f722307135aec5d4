"""What is wrong with a file, and where: collected first, reported all together.

Every reader of this room (env files, settings, JSON files) gathers `Problem`s and ends in `raise_for`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drcli.errors import UsageError

# What a terminal would obey instead of showing it: control characters, and those that turn the direction of text.
_OBEYED = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]")


@dataclass(frozen=True)
class Problem:
    """One fault: `where` is `file:line` (or `--set`), `hint` is the way out."""

    where: str
    message: str
    hint: str = ""


def raise_for(problems: Sequence[Problem]) -> None:
    """Do nothing without problems.

    Raises:
        UsageError: naming every problem with its place and hint.
    """
    if not problems:
        return
    if len(problems) == 1:
        (only,) = problems
        raise UsageError(_shown(f"{only.where}: {only.message}"), only.hint)
    lines = [f"{len(problems)} things are wrong:"]
    for problem in problems:
        hint = f"\n    {problem.hint}" if problem.hint else ""
        lines.append(f"  {problem.where}: {problem.message}{hint}")
    raise UsageError(_shown("\n".join(lines)))


def _shown(text: str) -> str:
    return _OBEYED.sub(lambda match: repr(match[0])[1:-1], text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean A or B?` for the names of `known` most like `word`, case aside; else an empty text."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    near = [names[match] for match in get_close_matches(word.lower(), names, n=3, cutoff=0.75)]
    return f"did you mean {' or '.join(near)}?" if near else ""
