"""The life cycle of a service as a program: stop requests, and errors as exit codes.

Under a supervisor: exit 0 is done, or stopped in good order; 3 an error that the user has to fix, so that
starting again is useless; anything else a crash, after which the service is started again.

In a container Docker decides, and all that it knows is whether the code is 0 (`restart: on-failure`). So an error that
the user has to fix is a 0 after its ERROR line, else it would be met again for ever; and a service that a signal has
stopped leaves 128 plus its number: what stopped with the engine comes back with it, while what a user stops is taken
away, or marked as stopped, whatever its code.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from drcli.contract import exit_codes, service_variables
from drcli.errors import DrError
from drcli.services.shared import service_log
from drcli.services.shared.environment import Environment


class StopFlag:
    """Set by SIGTERM or Ctrl-C (on Windows: Ctrl-Break); a second one ends the process at once."""

    def __init__(self) -> None:
        self._is_set = False
        self._signal = 0
        self._callback: Callable[[], None] | None = None
        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)

    @property
    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return self._is_set

    @property
    def exit_code(self) -> int:
        """The exit code of a service that ends because of the request."""
        return exit_codes.by_signal(self._signal) if self._signal and _in_container() else exit_codes.DONE

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call this when a stop is requested, or now if it was."""
        self._callback = callback
        if self._is_set:
            callback()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_set:
            sys.exit(exit_codes.by_signal(number))
        self._is_set, self._signal = True, number
        if self._callback is not None:
            self._callback()


def run(program: Callable[[Environment, StopFlag], bool]) -> NoReturn:
    """Run a service, then end the process; `program` returns whether it was stopped early."""
    stop = StopFlag()
    try:
        was_stopped = program(Environment.read(), stop)
    except DrError as error:
        _say(error.message, error.hint)
        _leave(stop.exit_code or _user_error())
    _leave(stop.exit_code if was_stopped else exit_codes.DONE)


def leave(message: str, hint: str = "") -> NoReturn:
    """End the process, from any thread, because of an error that the user has to fix."""
    _say(message, hint)
    _leave(_user_error())


def _say(message: str, hint: str) -> None:
    hints = [f"{exit_codes.HINT_PREFIX}{hint}"] if hint else []
    service_log.lines([f"{exit_codes.ERROR_PREFIX}{message}", *hints])


def _user_error() -> int:
    return exit_codes.DONE if _in_container() else exit_codes.USER_ERROR


def _in_container() -> bool:
    """Whether Docker supervises this service; read directly, since reading the rest may have failed."""
    return service_variables.IS_CONTAINER.read()


def _leave(code: int) -> NoReturn:
    """Write the exit code where the supervisor looks for it, even one that is not our parent, and exit.

    Immediately: a regular shutdown of torch takes most of a second.
    """
    path = service_variables.EXIT_FILE.read()
    if path is not None:
        path.write_text(str(code))
    os._exit(code)
