"""What all commands of `dr car` share: how they get to trust a car, and log in to it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from drcli.cli import present
from drcli.cli.passwords import read_password
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.car.address import CarAddress
    from drcli.car.web_server import WebServer


@dataclass(frozen=True)
class CarAccess:
    """A car, and what the user said about trusting it and about its password."""

    address: CarAddress
    fingerprint: str
    trusts: bool
    is_piped: bool  # the password, through stdin

    def open(self) -> WebServer:
        """The car's web server, logged in; asks for what was not said."""
        from drcli import env
        from drcli.car.connection import Connection
        from drcli.car.web_server import WebServer

        server = WebServer(Connection(self.address, self._trusted()))
        prompt = f"Password of {self.address}"
        server.login(read_password(env.DR_CAR_PASSWORD, prompt, is_piped=self.is_piped))
        return server

    def _trusted(self) -> str:
        from drcli.car import fingerprints

        found, is_known = fingerprints.settle(self.address, self.fingerprint)
        if is_known:
            return found
        present.say(
            f"{self.address} is not known yet. The SHA-256 fingerprint of its certificate:\n  {found}"
        )
        if not self.trusts:
            if not sys.stdin.isatty():
                raise UsageError(
                    f"The certificate of {self.address} has to be trusted first, and there is no terminal to ask at.",
                    f"Compare the fingerprint, then add --fingerprint {found.replace(':', '')}; or --yes to trust it.",
                )
            click.confirm("Is that your car?", abort=True, err=True)
        fingerprints.remember(self.address, found)
        return found


def of_a_car(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: the argument HOST and the options about access; the command gets them as `access`."""

    @click.argument("host")
    @click.option(
        "--fingerprint",
        metavar="SHA256",
        default="",
        help="Talk only to the car with this certificate, and keep it; replaces one that is known.",
    )
    @click.option("-y", "--yes", is_flag=True, help="Trust the certificate of a car that is not known yet.")
    @click.option(
        "--password-stdin",
        is_flag=True,
        help="Read the password of the car's console from stdin; otherwise DR_CAR_PASSWORD or a prompt.",
    )
    @wraps(command)
    def wrapped(host: str, fingerprint: str, yes: bool, password_stdin: bool, **words: Any) -> None:
        from drcli.car import fingerprints
        from drcli.car.address import CarAddress

        address = CarAddress.parse(host)
        given = fingerprints.parse(fingerprint) if fingerprint else ""
        command(access=CarAccess(address, given, yes, password_stdin), **words)

    return wrapped
