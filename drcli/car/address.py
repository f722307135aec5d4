"""Where a car is: a name or an IP address, and the port of its web server, which speaks HTTPS only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urlsplit

from drcli.errors import UsageError

_PORT = 443


@dataclass(frozen=True)
class CarAddress:
    """The address of a car's web server. `host` of an IPv6 address is in brackets."""

    host: str
    port: int = _PORT

    @classmethod
    def parse(cls, text: str) -> CarAddress:
        """Read NAME, IP or HOST:PORT, as it is or as https://HOST:PORT. Raises UsageError for anything else."""
        rest = text.strip().removeprefix("https://").rstrip("/")
        with suppress(AddressValueError):
            rest = f"[{IPv6Address(rest)}]"
        try:
            parts = urlsplit(f"https://{rest}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        is_bare = bool(rest) and not set(rest) & set("/?#@\\ \t\r\n")
        if not is_bare or not host or port == 0:
            shown = "HOST" if "@" in rest else repr(text)  # there may be a password in front of the @
            raise UsageError(
                f"{shown} is not the address of a car.",
                "Use its name or IP address, with :PORT if its console is not on 443: 192.168.1.7.",
            )
        return cls(f"[{host}]" if ":" in host else host, port or _PORT)

    def __str__(self) -> str:
        return self.host if self.port == _PORT else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address of its console in a browser."""
        return f"https://{self}"
