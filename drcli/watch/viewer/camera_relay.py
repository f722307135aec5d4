"""Pictures and numbers of the workers' camera servers, fetched once for all who look and handed on.

The page only needs the viewer's port and its token; camera servers stay on the loopback interface.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool

from drcli.errors import DrError
from drcli.launch import run_control
from drcli.launch.launcher import launcher_of
from drcli.paths import Workspace

Listener = Callable[[bytes], None]

_AGAIN_S = 1.0  # until an upstream that ended is tried again
_LARGEST_BYTES = 8 << 20
_LIST_S = 2.0  # how long a list of cameras is good


class Camera(NamedTuple):
    """The camera server of one worker."""

    run_id: int
    kind: str
    name: str
    url: str


class CameraList:
    """The cameras of the runs of each model, looked up at most every two seconds for all clients."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, tuple[float, list[Camera]]] = {}

    async def of(self, model: str) -> list[Camera]:
        """The cameras of all runs of a model that are going on now."""
        at, cameras = self._known.get(model, (-_LIST_S, []))
        if time.monotonic() - at >= _LIST_S:
            cameras = await run_in_threadpool(self._look, model)
            self._known = {model: (time.monotonic(), cameras)} if len(self._known) > 50 else self._known
            self._known[model] = (time.monotonic(), cameras)
        return cameras

    def _look(self, model: str) -> list[Camera]:
        cameras: list[Camera] = []
        with suppress(DrError, OSError, ValueError, TypeError):  # Docker is away, or a run is being replaced
            for folder in run_control.running(self._workspace):
                plan = folder.read_head()
                if plan.prefix == model:
                    found = launcher_of(plan.style).cameras(folder)
                    cameras += [Camera(folder.run_id, folder.kind, each.name, each.url) for each in found]
        return cameras


class Relay:
    """Connections to camera servers: one per address, for as long as somebody listens."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def listening(self, address: str, listener: Listener) -> AsyncGenerator[None, None]:
        """While this is entered, `listener` is called with each picture (JPEG) or event (its data) of the address."""
        self._listeners.setdefault(address, set()).add(listener)
        if address not in self._tasks:
            self._tasks[address] = asyncio.create_task(self._fetch(address))
        try:
            yield
        finally:
            self._listeners[address].discard(listener)
            if not self._listeners[address]:
                del self._listeners[address]
                self._tasks.pop(address).cancel()

    async def _fetch(self, address: str) -> None:
        while True:
            with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                async for piece in _pieces(address):
                    for listener in list(self._listeners.get(address, ())):
                        listener(piece)
            await asyncio.sleep(_AGAIN_S)


async def _pieces(address: str) -> AsyncGenerator[bytes, None]:
    """The pictures of a stream, or the data of server-sent events.

    HTTP/1.0, so that no server answers in chunks. Raises OSError or ValueError if the answer is another one.
    """
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        writer.write(f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode("latin-1"))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.split(maxsplit=2)[1] != "200":
            raise ValueError(head)
        is_events = "content-type: text/event-stream" in head
        async for piece in _events(reader) if is_events else _pictures(reader):
            yield piece
    finally:
        writer.close()


async def _pictures(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """multipart/x-mixed-replace, each part with its length, as ROS's web video server sends it."""
    length = 0
    while line := await reader.readline():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
        elif not line.strip() and length:
            if length > _LARGEST_BYTES:
                raise ValueError(f"A picture of {length} bytes.")
            yield await reader.readexactly(length)
            length = 0


async def _events(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    while line := await reader.readline():
        name, _, value = line.partition(b":")
        if name == b"data":
            yield value.strip()
