"""An HTTPS connection that talks to one certificate only: the fingerprint is checked before the first byte is sent.

It keeps the server's cookies, follows no redirects and uses no proxy, so that nothing reaches another machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape
from http.cookies import SimpleCookie
from typing import Any

from urllib3 import HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError, TimeoutError

from drcli.car.address import CarAddress
from drcli.car.fingerprints import unreachable
from drcli.errors import DrError

_CONNECT_S = 10.0
_ANSWER_S = 60.0  # some routes wait ten seconds for each of several programs of the car


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def words(self) -> str:
        """The beginning of the body in one line, without HTML tags."""
        plain = re.sub(r"<(style|title)\b.*?</\1>|<[^>]*>", " ", self.text, flags=re.DOTALL | re.IGNORECASE)
        return " ".join(unescape(plain).split())[:200]

    @property
    def document(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Connection:
    """Requests to a car whose certificate has this fingerprint."""

    def __init__(self, address: CarAddress, fingerprint: str) -> None:
        self.address = address
        self.cookies: dict[str, str] = {}
        self._pool = HTTPSConnectionPool(
            address.host,
            address.port,
            cert_reqs="CERT_NONE",  # nobody vouches for the certificate but its fingerprint
            assert_fingerprint=fingerprint,
            timeout=Timeout(connect=_CONNECT_S, read=_ANSWER_S),
            retries=False,
            maxsize=1,
        )

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send a request. Raises DrError if it gets no answer, or if the certificate is another one."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**(headers or {}), **({"Cookie": cookies} if cookies else {})}
        try:
            answer = self._pool.request(method, path, body=body, headers=sent, redirect=False)
        except SSLError as error:
            if "ingerprint" in str(error):
                raise DrError(
                    f"The certificate of {self.address} has just changed.", "Nothing was sent to it."
                ) from None
            raise unreachable(self.address, "the secure connection failed") from None
        except NewConnectionError:
            raise unreachable(self.address, "no connection") from None
        except TimeoutError:
            raise unreachable(self.address, f"no answer to {method} {path}") from None
        except HTTPError:
            raise unreachable(self.address, f"it closed the connection during {method} {path}") from None
        self._keep(answer.headers.getlist("Set-Cookie"))
        return Answer(answer.status, answer.data)

    def _keep(self, cookies: Iterable[str]) -> None:
        for line in cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
