"""Exit codes of services and the log lines before them, read by launchers; those of rented machines."""

from __future__ import annotations

import signal

DONE = 0  # the run is over, or was stopped cleanly
USER_ERROR = 3  # the user has to fix something: a restart would not help

# Of the program of a rented machine
# 75: the provider took it back, to be started again elsewhere (EX_TEMPFAIL of sysexits.h). 124, as of timeout(1): its
# hours are over; interrupted, too, but only somebody who pays starts it again.
INTERRUPTED, TIME_OVER = 75, 124

ERROR_PREFIX = "ERROR: "  # starts the log line with the error
HINT_PREFIX = "HINT: "  # starts the line after it


def by_signal(number: int) -> int:
    """The exit code of a program ended by a signal, by the convention of shells and Docker."""
    return 128 + number


ASKED_TO_STOP = by_signal(signal.SIGTERM)
