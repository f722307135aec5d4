"""Where commands get a password from, without it appearing in a command line, in output or in another program."""

from __future__ import annotations

import sys

import click

from drcli import env
from drcli.errors import UsageError


def read_password(variable: str, prompt: str, *, is_piped: bool) -> str:
    """The first line of stdin (`is_piped`), else an environment variable, else what the user types.

    Raises:
        UsageError: it is empty, or there is no terminal to ask at.
    """
    password = env.take(variable)
    if is_piped:
        password = sys.stdin.readline().rstrip("\r\n")
    elif not password:
        if not sys.stdin.isatty():
            raise UsageError("The password is missing.", f"Pass it with --password-stdin or in {variable}.")
        password = click.prompt(prompt, hide_input=True, err=True)
    if not password:
        raise UsageError(
            "The password is empty.", "It has to be the first line of stdin." if is_piped else ""
        )
    return password
