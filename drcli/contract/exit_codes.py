"""With which code a service ends, and what it says before: spoken by the services, understood by the launchers."""

from __future__ import annotations

import signal

DONE = 0  # the run is over, or it was stopped in good order
USER_ERROR = 3  # the user has to fix something: starting again would not help

ERROR_PREFIX = "ERROR: "  # of the line in the log that says what is wrong
HINT_PREFIX = "HINT: "  # of the one after it


def by_signal(number: int) -> int:
    """The code of a program that a signal has ended, as shells and Docker have it."""
    return 128 + number


ASKED_TO_STOP = by_signal(signal.SIGTERM)
