"""Exit codes of services, and the log lines before them: written by services, read by launchers."""

from __future__ import annotations

import signal

DONE = 0  # the run is over, or was stopped cleanly
USER_ERROR = 3  # the user has to fix something: a restart would not help

ERROR_PREFIX = "ERROR: "  # starts the log line with the error
HINT_PREFIX = "HINT: "  # starts the line after it


def by_signal(number: int) -> int:
    """The exit code of a program ended by a signal, by the convention of shells and Docker."""
    return 128 + number


ASKED_TO_STOP = by_signal(signal.SIGTERM)
