"""Reads something again and again while somebody looks, once for all who look, and tells them what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from drcli.watch.viewer.push import event
from drcli.watch.viewer.viewer_context import to_json

Documents = Mapping[str, Any]
Changes = Callable[[str, Any, Any], Any]

_WAITING = 200  # events; a client that has more waiting is dropped, and starts afresh when it connects again
_HEARTBEAT_S = 15.0


class Poller:
    """One source of named documents.

    read: returns the current documents; runs in a thread. changes: what clients who know the first document of that
    name need in order to know the second; default: the second.
    """

    def __init__(
        self, read: Callable[[], Documents], interval_s: float, changes: Changes = lambda name, old, new: new
    ) -> None:
        self._read, self._interval_s, self._changes = read, interval_s, changes
        self._clients: set[asyncio.Queue[bytes]] = set()
        self._known: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody looks."""
        return not self._clients

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events for one client: all documents as they are, then what changes."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        for name, document in self._known.items():
            queue.put_nowait(event(name, to_json(self._changes(name, None, document))))
        self._clients.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll())
        try:
            while queue in self._clients:
                try:
                    yield await asyncio.wait_for(queue.get(), _HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._clients.discard(queue)

    async def _poll(self) -> None:
        try:
            while self._clients:
                for name, new in (await run_in_threadpool(self._read)).items():
                    old = self._known.get(name)
                    if name not in self._known or new != old:
                        self._known[name] = new
                        self._tell(event(name, to_json(self._changes(name, old, new))))
                await asyncio.sleep(self._interval_s)
        finally:  # after a bug in `read`, too: clients connect again and start afresh
            self._known.clear()
            self._clients.clear()

    def _tell(self, news: bytes) -> None:
        for queue in list(self._clients):
            try:
                queue.put_nowait(news)
            except asyncio.QueueFull:
                self._clients.discard(queue)
