"""`/live?model=PREFIX` and `/pictures?model=PREFIX&view=behind&view=…`: all workers of a model, in one connection each.

Browsers open six connections to a server at most, so the pictures of all workers share one: a stream of frames, each a
line of JSON (`run_id`, `kind`, `camera`, `view`, `size`) followed by that many bytes of JPEG. A client that is slower
than the pictures misses some, and gets the newest one next.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from drcli.errors import UsageError
from drcli.watch.viewer.camera_relay import Camera, CameraList, Relay
from drcli.watch.viewer.push import SSE, Push, event
from drcli.watch.viewer.viewer_context import ViewerContext, json_response, to_json, wanted

# The topics of deepracer-simapp, see `drcli.watch.cameras`.
VIEWS: Mapping[str, str] = {
    "race": "/racecar/deepracer/kvs_stream",
    "camera": "/racecar/camera/zed/rgb/image_rect_color",
    "behind": "/racecar/main_camera/zed/rgb/image_rect_color",
    "above": "/sub_camera/zed/rgb/image_rect_color",
    "attention": "/racecar/deepracer/attention",
}
_SIZES = {"width": (80, 1920, 400), "height": (60, 1440, 300), "quality": (1, 100, 70)}
_LIST_S = 2.0

Source = tuple[Camera, str, str]  # camera, view, address
Key = tuple[Camera, str]


def routes(context: ViewerContext) -> Sequence[BaseRoute]:
    """The routes; all clients share the connections to the cameras."""
    cameras, relay = CameraList(context.workspace), Relay()

    async def live(request: Request) -> Response | Push:
        try:
            model = wanted(request, "model")
        except UsageError as error:
            return json_response({"error": error.message}, 400)

        async def sources() -> list[Source]:
            return [(camera, "", f"{camera.url}/live") for camera in await cameras.of(model)]

        return Push(newest(relay, sources, _live_event), SSE)

    async def pictures(request: Request) -> Response | Push:
        try:
            model, query = wanted(request, "model"), picture_query(request.query_params)
        except UsageError as error:
            return json_response({"error": error.message}, 400)
        views = [view for view in request.query_params.getlist("view") if view in VIEWS]

        async def sources() -> list[Source]:
            return [
                (camera, view, f"{camera.url}/stream?{urlencode({'topic': VIEWS[view], **query}, safe='/')}")
                for camera in await cameras.of(model)
                for view in views
            ]

        return Push(newest(relay, sources, _frame), "application/octet-stream")

    return [Route("/live", live, methods=["GET"]), Route("/pictures", pictures, methods=["GET"])]


def picture_query(given: Mapping[str, str]) -> dict[str, int]:
    """Width, height and quality, within bounds. Raises UsageError for one that is not a number."""
    query = {}
    for name, (low, high, default) in _SIZES.items():
        text = given.get(name, "")
        if text and not text.isdecimal():
            raise UsageError(f"{name} is not a whole number.")
        query[name] = min(max(int(text), low), high) if text else default
    return query


async def newest(
    relay: Relay, sources: Callable[[], Awaitable[list[Source]]], form: Callable[[Camera, str, bytes], bytes]
) -> AsyncGenerator[bytes, None]:
    """What the sources send, formed; of each only the newest piece waits. Sources that come and go are followed."""
    waiting: dict[Key, bytes] = {}
    arrived = asyncio.Event()

    def take(key: Key, piece: bytes) -> None:
        waiting[key] = piece
        arrived.set()

    current: list[Source] = []
    loop = asyncio.get_running_loop()
    stack = AsyncExitStack()
    try:
        due = loop.time()
        while True:
            if loop.time() >= due:
                due = loop.time() + _LIST_S
                if (found := await sources()) != current:
                    await stack.aclose()
                    waiting.clear()
                    stack, current = AsyncExitStack(), found
                    for camera, view, address in current:
                        await stack.enter_async_context(
                            relay.listening(address, partial(take, (camera, view)))
                        )
            arrived.clear()
            while waiting:
                key = next(iter(waiting))
                yield form(*key, waiting.pop(key))
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), max(due - loop.time(), 0.01))
    finally:
        await stack.aclose()


def _of(camera: Camera) -> dict[str, object]:
    return {"run_id": camera.run_id, "kind": camera.kind, "camera": camera.name}


def _live_event(camera: Camera, view: str, data: bytes) -> bytes:
    state = json.loads(data) if data.startswith(b"{") else {}
    return event("live", to_json({**_of(camera), **state}))


def _frame(camera: Camera, view: str, data: bytes) -> bytes:
    return to_json({**_of(camera), "view": view, "size": len(data)}) + b"\n" + data
