"""Pictures for any number of clients: each kind is drawn once for all of them, as often as the machine allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from drcli.watch.cameras.live_states import LiveStates
from drcli.watch.cameras.studio import Studio
from drcli.watch.cameras.topics import PictureSpec

PICTURES_PER_S = 12.0
_KEPT_S = 1.0  # how long a picture of the same state is sent again without being drawn


class Channels:
    """Who asks for a picture gets the newest one; a slow client skips those that were drawn meanwhile."""

    def __init__(self, states: LiveStates, studio: Studio) -> None:
        self._states, self._studio = states, studio
        self._drawing = ThreadPoolExecutor(1, "studio")
        self._drawn: dict[PictureSpec, tuple[int, bytes]] = {}
        self._locks: dict[PictureSpec, asyncio.Lock] = {}

    async def picture(self, spec: PictureSpec) -> tuple[int, bytes]:
        """The number of the newest state, and its picture."""
        lock = self._locks.setdefault(spec, asyncio.Lock())
        async with lock:
            number, state = self._states.newest()
            if self._drawn.get(spec, (-1, b""))[0] != number:
                loop = asyncio.get_running_loop()
                is_drawn = state is None or self._studio.can_draw
                data = await loop.run_in_executor(self._drawing, self._studio.jpeg, spec, state)
                self._forget_others()
                self._drawn[spec] = number if is_drawn else -1, data
            return self._drawn[spec]

    async def pictures(self, spec: PictureSpec) -> AsyncIterator[bytes]:
        """Pictures as they change, and the last one again once a second."""
        last, sent = -1, 0.0
        while True:
            began = time.monotonic()
            number, data = await self.picture(spec)
            if number != last or began - sent > _KEPT_S:
                last, sent = number, began
                yield data
            took = time.monotonic() - began
            # Drawing may use half of the time at most: the rest is for those who train.
            await asyncio.sleep(max(1 / PICTURES_PER_S - took, took, 0.02))

    async def first(self, spec: PictureSpec, patience_s: float) -> bytes:
        """A picture of the worker, waited for a while if nothing was heard of it yet, or nothing can be drawn yet."""
        deadline = time.monotonic() + patience_s
        while not self._has_something_to_show and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return (await self.picture(spec))[1]

    @property
    def _has_something_to_show(self) -> bool:
        return self._states.newest()[1] is not None and self._studio.can_draw

    def _forget_others(self) -> None:
        if len(self._drawn) > 64:  # sizes are the client's choice
            self._drawn.clear()
            self._locks = {spec: lock for spec, lock in self._locks.items() if lock.locked()}
