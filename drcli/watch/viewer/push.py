"""Answers that go on: server-sent events and streams of pictures. A client that left or cannot keep up is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from starlette.types import Receive, Scope, Send

SSE = "text/event-stream"
_PATIENCE_S = 15.0  # that one piece may take to be sent


class Push:
    """An ASGI answer that sends what `source` yields, until it ends, or the client leaves or is too slow."""

    def __init__(self, source: AsyncGenerator[bytes, None], media_type: str) -> None:
        self._source, self._media_type = source, media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = [(b"content-type", self._media_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] != "HEAD":
            tasks = [asyncio.create_task(self._send_all(send)), asyncio.create_task(_left(receive))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        await self._source.aclose()
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send) -> None:
        with suppress(TimeoutError, OSError):
            async for piece in self._source:
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                await asyncio.wait_for(send(message), _PATIENCE_S)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(name: str, data: bytes) -> bytes:
    """One server-sent event; data: one line."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
