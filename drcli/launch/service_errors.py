"""The last words of a service's log: the error that `drcli.services.program` logs, or the end of a traceback."""

from __future__ import annotations

import re
from collections.abc import Sequence


def last_words(lines: Sequence[str]) -> tuple[str, str]:
    """Message and hint of the error that a service logged before it exited; empty if there is none."""
    at = max((i for i, text in enumerate(lines) if text.startswith("ERROR: ")), default=-1)
    if at < 0:
        return "", ""
    message = [lines[at].removeprefix("ERROR: ")]
    for i in range(at + 1, len(lines)):
        if lines[i].startswith("HINT: "):
            return "\n".join(message), "\n".join([lines[i].removeprefix("HINT: "), *lines[i + 1 :]])
        message.append(lines[i])
    return "\n".join(message), ""


def last_exception(lines: Sequence[str]) -> str:
    """`: ` and the last line of a traceback; empty if there is none."""
    found = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return f": {found[-1].rstrip('.')}" if found else ""
