"""Who may look: checks every request before any route sees it, and adds the security headers to every answer.

Without a token (loopback only) the Host header must name this machine, which stops DNS rebinding: a foreign page whose
name resolves to 127.0.0.1. With a token, the first request carries it in the address; the answer sets a cookie.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_NEEDS_TOKEN = (
    "This viewer needs its token. Open the whole address that `dr start-viewer` printed, with ?token=…\n"
)


@dataclass(frozen=True)
class Access:
    """Who may look. token: empty if none is needed; cookie: its name, which differs between viewers of a machine."""

    token: str
    cookie: str
    host_names: frozenset[str] = LOOPBACK_NAMES

    def is_allowed(self, given: Iterable[str]) -> bool:
        """Whether one of the given tokens is right; compared in constant time."""
        return any(hmac.compare_digest(each.encode(), self.token.encode()) for each in given)


class Guard:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        fresh = bool(self._access.token) and self._access.is_allowed(tokens)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                found.update(_HEADERS)
                if fresh:
                    found.append("Set-Cookie", self._set_cookie())
            await send(message)

        refusal = self._refusal(scope["method"], headers, fresh)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers, fresh: bool) -> PlainTextResponse | None:
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("The viewer only shows.\n", 405, {"Allow": "GET, HEAD"})
        if not self._access.token:
            name = _without_port(headers.get("host", ""))
            if name not in self._access.host_names:
                return PlainTextResponse(f"This viewer is not {name[:100]}.\n", 421)
            if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
                return PlainTextResponse("Other pages may not read from this viewer.\n", 403)
            return None
        cookie = SimpleCookie(headers.get("cookie", "")).get(self._access.cookie)
        if fresh or (cookie is not None and self._access.is_allowed([cookie.value])):
            return None
        return PlainTextResponse(_NEEDS_TOKEN, 401)

    def _set_cookie(self) -> str:
        return f"{self._access.cookie}={self._access.token}; HttpOnly; SameSite=Strict; Path=/"


def _without_port(host: str) -> str:
    """`[::1]:8100` → `[::1]`."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host
