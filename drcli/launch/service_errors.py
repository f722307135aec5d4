"""The error at the end of a service's log: the one that services log before they exit, or a traceback's last line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drcli.contract.exit_codes import ERROR_PREFIX, HINT_PREFIX


def last_words(lines: Sequence[str]) -> tuple[str, str]:
    """Message and hint of the error that a service logged before it exited; empty if there is none."""
    at = max((i for i, text in enumerate(lines) if text.startswith(ERROR_PREFIX)), default=-1)
    if at < 0:
        return "", ""
    message = [lines[at].removeprefix(ERROR_PREFIX)]
    for i in range(at + 1, len(lines)):
        if lines[i].startswith(HINT_PREFIX):
            return "\n".join(message), "\n".join([lines[i].removeprefix(HINT_PREFIX), *lines[i + 1 :]])
        message.append(lines[i])
    return "\n".join(message), ""


def last_exception(lines: Sequence[str]) -> str:
    """`: ` and the last line of a traceback; empty if there is none."""
    found = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return f": {found[-1].rstrip('.')}" if found else ""
