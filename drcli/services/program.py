"""What all services share as programs: a stop request in good order, and errors as exit codes.

Exit 0: done. Exit 3: an error that the user has to mend, so starting again is useless. Anything else: a
crash, after which the launcher starts the service again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from drcli import env
from drcli.errors import DrError
from drcli.services import log
from drcli.services.environment import Environment

EXIT_USER_ERROR = 3


class StopFlag:
    """Set by SIGTERM or Ctrl-C (on Windows: Ctrl-Break); a second one ends the process at once."""

    def __init__(self) -> None:
        self._is_set = False
        self._callback: Callable[[], None] | None = None
        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    @property
    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return self._is_set

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call this when a stop is requested, or now if it was."""
        self._callback = callback
        if self._is_set:
            callback()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_set:
            sys.exit(128 + number)
        self._is_set = True
        if self._callback is not None:
            self._callback()


def run(program: Callable[[Environment, StopFlag], None]) -> NoReturn:
    """Run a service in its process, which ends with it."""
    stop = StopFlag()
    try:
        program(Environment.read(), stop)
    except DrError as error:
        leave(error.message, error.hint)
    _leave(0)


def leave(message: str, hint: str = "") -> NoReturn:
    """End the process, from any thread, because of something that the user has to mend."""
    log.line(f"ERROR: {message}")
    if hint:
        log.line(f"HINT: {hint}")
    _leave(EXIT_USER_ERROR)


def _leave(code: int) -> NoReturn:
    """Leave the exit code where the supervisor looks for it, also one that is not our parent, and end.

    At once: to take torch apart in good order costs most of a second.
    """
    path = env.read(env.DR_EXIT_FILE)
    if path:
        Path(path).write_text(str(code))
    os._exit(code)
