"""HTTP for `drcli.droa`: requests and downloads, with every failure explained and without secrets in messages.

Addresses in messages have no query: that of a presigned URL is as good as a password.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import drcli
from drcli.errors import DrError
from drcli.retry import keep_trying
from drcli.store.transfer import Meter, Tell

PATIENCE_S = 20.0  # for what may pass: throttling, a broken connection, a server that is overloaded
_TIMEOUT_S = (10.0, 60.0)  # connect, read; the API's own limit is 30 s
_CHUNK_BYTES = 1 << 18
_CA = "If your network inspects encrypted traffic, set AWS_CA_BUNDLE to the file with its certificate."
# The firewall of a deployment refuses requests that do not say who sends them.
USER_AGENT = f"Mozilla/5.0 (compatible; drcli/{drcli.__version__})"


class PassingError(DrError):
    """A failure that may resolve itself."""


@dataclass(frozen=True)
class Answer:
    """What a server returned."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def send(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """Send a request once; redirects are not followed. Raises PassingError if there is no response."""
    with _sent(method, url, headers or {}, body) as response:
        return Answer(response.status_code, response.headers, response.content)


def send_patiently(method: str, url: str) -> Answer:
    """As `send`, but tries again for a while, also where the server is overloaded."""

    def once() -> Answer:
        answer = send(method, url)
        if answer.status == 429 or answer.status >= 500:
            raise PassingError(f"{_bare(url)}: the server returned {answer.status}.", "Try again later.")
        return answer

    return keep_trying(once, patience_s=PATIENCE_S, pause_s=pause_s, is_worth_it=is_passing)


def download(url: str, path: Path, tell: Tell) -> int:
    """Download to a file, which appears only once it is complete; its size in bytes.

    Raises DrError if the server refuses, the connection breaks off, or the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")

    def once() -> int:
        with _sent("GET", url, {}, b"", stream=True) as response:
            if response.status_code != 200:
                raise DrError(f"{_bare(url)}: the server returned {response.status_code}.", "Try again.")
            wanted = int(response.headers.get("Content-Length") or 0)
            moved = Meter(wanted, tell).of(path.name)
            with draft.open("wb") as file:
                while chunk := response.raw.read(_CHUNK_BYTES):
                    file.write(chunk)
                    moved(len(chunk))
                size = file.tell()
        if wanted and size != wanted:
            raise PassingError(f"The download ended after {size} of {wanted} bytes.", "Try again.")
        return size

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        size = keep_trying(once, patience_s=PATIENCE_S, pause_s=pause_s, is_worth_it=is_passing)
        draft.replace(path)
    except OSError as error:
        raise DrError(f"{path}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return size


def pause_s(attempts: int) -> float:
    """The pause after a number of attempts."""
    return min(0.25 * 2.0**attempts, 5.0)


def is_passing(error: DrError) -> bool:
    """Whether the failure may resolve itself."""
    return isinstance(error, PassingError)


@contextmanager
def _sent(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, stream: bool = False
) -> Iterator[Any]:
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError, SSLError
    from urllib3.exceptions import HTTPError

    request = AWSRequest(
        method, url, {"User-Agent": USER_AGENT, **headers}, data=body, stream_output=stream
    ).prepare()
    try:
        response = _http(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}").send(request)
        try:
            yield response
        finally:
            response.raw.close()
    except SSLError as error:
        raise DrError(f"{_bare(url)}: no secure connection ({error.kwargs['error']}).", _CA) from None
    except (BotoConnectionError, HTTPClientError, HTTPError) as error:
        raise PassingError(
            f"{_bare(url)} is unreachable ({type(error).__name__}).", "Check the address and your network."
        ) from None


@cache
def _http(server: str) -> Any:
    from botocore.httpsession import URLLib3Session
    from botocore.session import Session
    from botocore.utils import get_environ_proxies

    bundle = Session(session_vars={"profile": (None, None, None, None)}).get_config_variable("ca_bundle")
    return URLLib3Session(verify=bundle or True, proxies=get_environ_proxies(server), timeout=_TIMEOUT_S)


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
