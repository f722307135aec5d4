"""The project's only error type: a message for the user, and a hint at how to fix it.

Raised where the cause is known; turned into an exit code once, in `drcli.cli`.
Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations


class DrError(Exception):
    """An error the user can understand and fix.

    `message` says what is wrong and where (file, line, key); `hint` says what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(DrError):
    """The command line or a setting is wrong (exit code 2)."""

    exit_code = 2
