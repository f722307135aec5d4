"""The camera server's pages, at the addresses of ROS's web video server. GET only; nothing here can change a run.

Answers only to the names of this machine, so that no web page can reach it under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drcli.errors import UsageError
from drcli.watch.cameras.channels import Channels
from drcli.watch.cameras.live_events import LiveEvents
from drcli.watch.cameras.topics import TOPICS, PictureSpec, UnknownTopicError, spec_of

_BOUNDARY = "drclipicture"
_PATIENCE_S = 20.0  # a client that takes nothing for so long has vanished
_FIRST_S = 3.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-site",  # pages of this machine, on any port, may show the pictures
    "Cache-Control": "no-store",
}
_STYLE = (
    "body{font:16px system-ui;margin:1em;background:#fff;color:#111}img{max-width:100%}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8bf}}"
)
_LINK = {"quality": "80", "width": "640", "height": "480"}


def application(channels: Channels, live: LiveEvents) -> Starlette:
    """The web application."""

    async def index(request: Request) -> Response:
        rows = "".join(
            f'<li><a href="/stream_viewer?{_query(topic)}">{escape(topic)}</a>: {escape(what)} '
            f'(<a href="/snapshot?{_query(topic)}">picture</a>)</li>'
            for topic, what in TOPICS.items()
        )
        return _page("Live pictures of a worker", f"<ul>{rows}</ul>")

    async def viewer(request: Request) -> Response:
        _spec(request)
        topic = request.query_params["topic"]
        source = escape(f"/stream?{urlencode(dict(request.query_params))}")
        return _page(topic, f'<img src="{source}" alt="{escape(TOPICS.get(topic, topic))}">')

    async def stream(request: Request) -> Response:
        return Flow(
            _parts(channels.pictures(_spec(request))), f"multipart/x-mixed-replace;boundary={_BOUNDARY}"
        )

    async def snapshot(request: Request) -> Response:
        return Response(await channels.first(_spec(request), _FIRST_S), media_type="image/jpeg")

    async def events(request: Request) -> Response:
        lines = (line.encode() async for line in live.events())
        return Flow(lines, "text/event-stream; charset=utf-8")

    pages: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/": index, "/stream_viewer": viewer, "/stream": stream, "/snapshot": snapshot, "/live": events,
    }  # fmt: skip
    routes = [Route(path, page, methods=["GET"]) for path, page in pages.items()]
    return Starlette(
        routes=routes, exception_handlers={UnknownTopicError: _unknown_topic, UsageError: _unusable}
    )


class Guard:
    """Turns away requests under foreign names, and adds the headers that keep foreign pages out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not is_own_name(given.get("host", "")):
            await PlainTextResponse("Ask for it by address: http://127.0.0.1:PORT/", 421)(
                scope, receive, send
            )
            return
        headers = dict(_HEADERS)
        if _is_of_this_machine(origin := given.get("origin", "")):
            headers |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        await self._app(scope, receive, add)


class Flow(Response):
    """A response without an end. One whose client takes nothing any more is ended."""

    def __init__(self, parts: AsyncIterator[bytes], media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts as they come, as fast as the client takes them, until it leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sending = asyncio.ensure_future(self._send_all(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        async for part in self._parts:
            body = {"type": "http.response.body", "body": part, "more_body": True}
            await asyncio.wait_for(send(body), _PATIENCE_S)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _parts(pictures: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for data in pictures:
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        yield head.encode() + data + b"\r\n"


def is_own_name(host: str) -> bool:
    """Whether a Host header is an address, `localhost`, or a name without a dot, such as that of a container."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"[A-Za-z0-9_-]+", name))
    return True


def _is_of_this_machine(origin: str) -> bool:
    return origin.startswith("http://") and urlsplit(origin).hostname in ("127.0.0.1", "localhost", "::1")


def _spec(request: Request) -> PictureSpec:
    return spec_of(request.query_params)


def _query(topic: str) -> str:
    return escape(urlencode({"topic": topic, **_LINK}))


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )


def _unknown_topic(request: Request, error: Exception) -> Response:
    names = "\n".join(TOPICS)
    return PlainTextResponse(f"There is no such topic. Use topic= one of:\n{names}\n", 404)


def _unusable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UsageError)
    return PlainTextResponse(f"{error.message} {error.hint}\n", 400)
