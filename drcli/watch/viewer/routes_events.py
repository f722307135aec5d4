"""`/events`: what happens, as server-sent events that all panels share.

Events `runs` (all runs of the workspace) and, with `?model=PREFIX`, `status`, `curve` and `store` of that model: the
documents of `run_documents`, first as they are, then whenever they change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from drcli.watch.viewer.poller import Poller
from drcli.watch.viewer.push import SSE, Push
from drcli.watch.viewer.run_documents import ModelReader, curve_news, read_runs
from drcli.watch.viewer.viewer_context import ViewerContext

_POLL_S = 1.0


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The route; all clients share one poller for the runs and one per model."""
    runs = Poller(partial(read_runs, context), _POLL_S)
    models: dict[str, Poller] = {}

    async def events(request: Request) -> Push:
        sources = [runs.events()]
        prefix = request.query_params.get("model", "")
        if prefix:
            for idle in [each for each, poller in models.items() if poller.is_idle]:
                del models[idle]
            if prefix not in models:
                models[prefix] = Poller(ModelReader(context, prefix), _POLL_S, curve_news)
            sources.append(models[prefix].events())
        return Push(merged(sources), SSE)

    return [Route("/events", events, methods=["GET"])]


async def merged(sources: Sequence[AsyncGenerator[bytes, None]]) -> AsyncGenerator[bytes, None]:
    """What all sources yield, as it comes, until one of them ends."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)

    async def pump(source: AsyncGenerator[bytes, None]) -> None:
        try:
            async for piece in source:
                await queue.put(piece)
            await queue.put(None)
        finally:
            await source.aclose()

    tasks = [asyncio.create_task(pump(source)) for source in sources]
    try:
        while (piece := await queue.get()) is not None:
            yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
