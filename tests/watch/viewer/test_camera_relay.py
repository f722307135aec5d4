"""Pictures and events of camera servers, handed on from a server that speaks as ROS's web video server does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from ports import free_port

from drcli.errors import UsageError
from drcli.watch.viewer.camera_relay import Camera, Relay
from drcli.watch.viewer.routes_cameras import _frame, _live_event, newest, picture_query

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: %s\r\n\r\n"


class VideoServer:
    """Sends numbered pictures until a client leaves; counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.is_open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.is_open += 1
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            is_live = path.startswith(b"/live")
            writer.write(
                HEAD % (b"text/event-stream" if is_live else b"multipart/x-mixed-replace;boundary=b")
            )
            for number in range(10_000):
                data = json.dumps({"worker": 0, "step": number}).encode()
                part = b"event: state\ndata: " + data + b"\n\n"
                picture = (
                    b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                    + data
                    + b"\r\n"
                )
                writer.write(part if is_live else picture)
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            pass
        finally:
            self.is_open -= 1
            writer.close()


async def first(stream: AsyncGenerator[bytes, None], count: int) -> list[bytes]:
    taken = []
    async for piece in stream:
        taken.append(piece)
        if len(taken) == count:
            break
    await stream.aclose()
    return taken


def with_server(check: Callable[[str, VideoServer], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        video = VideoServer()
        server = await asyncio.start_server(video, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await check(f"http://127.0.0.1:{port}", video)
        finally:
            server.close()

    return asyncio.run(run())


def test_all_who_look_share_one_connection_which_ends_with_the_last() -> None:
    async def check(url: str, video: VideoServer) -> list[list[bytes]]:
        relay, camera = Relay(), Camera(0, "training", "robomaker-1", url)

        async def sources() -> list[tuple[Camera, str, str]]:
            return [(camera, "above", f"{url}/stream?topic=/sub_camera")]

        taken = await asyncio.gather(*(first(newest(relay, sources, _frame), 3) for _ in range(4)))
        assert video.connections == 1
        while video.is_open:
            await asyncio.sleep(0.01)
        return taken

    for frames in with_server(check):
        steps = []
        for frame in frames:
            head, _, picture = frame.partition(b"\n")
            told = json.loads(head)
            assert told == {
                **{"run_id": 0, "kind": "training", "camera": "robomaker-1"},
                **{"view": "above", "size": len(picture)},
            }
            steps.append(json.loads(picture)["step"])
        assert steps == sorted(set(steps))


def test_live_numbers_say_whose_they_are() -> None:
    async def check(url: str, video: VideoServer) -> list[bytes]:
        camera = Camera(2, "evaluation", "robomaker-1", url)

        async def sources() -> list[tuple[Camera, str, str]]:
            return [(camera, "", f"{url}/live")]

        return await first(newest(Relay(), sources, _live_event), 2)

    name, data, *_ = with_server(check)[1].decode().split("\n")
    assert name == "event: live"
    told = json.loads(data.removeprefix("data: "))
    assert (told["run_id"], told["kind"], told["camera"], told["worker"]) == (
        2,
        "evaluation",
        "robomaker-1",
        0,
    )


def test_a_slow_client_misses_pictures_and_gets_the_newest() -> None:
    async def check(url: str, video: VideoServer) -> list[int]:
        async def sources() -> list[tuple[Camera, str, str]]:
            return [(Camera(0, "training", "robomaker-1", url), "above", f"{url}/stream")]

        steps = []
        stream = newest(Relay(), sources, _frame)
        async for frame in stream:
            steps.append(json.loads(frame.partition(b"\n")[2])["step"])
            if len(steps) == 3:
                break
            await asyncio.sleep(0.3)
        await stream.aclose()
        return steps

    steps = with_server(check)
    assert steps[1] > steps[0] + 1
    assert steps[2] > steps[1] + 1


def test_a_camera_server_that_comes_later_is_found() -> None:
    async def run() -> int:
        video, port, seen = VideoServer(), free_port(), asyncio.Event()
        async with Relay().listening(f"http://127.0.0.1:{port}/stream", lambda piece: seen.set()):
            await asyncio.sleep(0.1)
            server = await asyncio.start_server(video, "127.0.0.1", port)
            await seen.wait()
        server.close()
        return video.connections

    assert asyncio.run(run()) == 1


def test_sizes_are_kept_within_bounds() -> None:
    assert picture_query({"width": "9000", "quality": "0"}) == {"width": 1920, "height": 300, "quality": 1}
    with pytest.raises(UsageError, match="height"):
        picture_query({"height": "tall"})
