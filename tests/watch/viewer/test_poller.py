"""One poller for all who look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from drcli.watch.viewer.poller import Poller


async def first(stream: AsyncGenerator[bytes, None], count: int) -> list[str]:
    taken = []
    async for piece in stream:
        taken.append(piece.decode())
        if len(taken) == count:
            break
    await stream.aclose()
    return taken


class Numbers:
    """Counts how often it is read; `even` changes at every second time."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> dict[str, Any]:
        self.reads += 1
        return {"even": self.reads // 2, "same": "x"}


def test_only_changes_are_told_and_late_comers_get_everything() -> None:
    async def run() -> tuple[list[str], list[str]]:
        poller = Poller(Numbers(), 0.001)
        early = poller.events()
        told = [(await anext(early)).decode() for _ in range(4)]
        late = await first(poller.events(), 2)
        await early.aclose()
        return told, late

    told, late = asyncio.run(run())
    assert [text.splitlines()[0] for text in told] == [
        "event: even",
        "event: same",
        "event: even",
        "event: even",
    ]
    assert {text.splitlines()[0] for text in late} == {"event: even", "event: same"}


def test_nothing_is_read_while_nobody_looks() -> None:
    async def run() -> tuple[int, int]:
        numbers = Numbers()
        poller = Poller(numbers, 0.001)
        await asyncio.sleep(0.02)
        before = numbers.reads
        await first(poller.events(), 3)
        assert poller.is_idle
        await asyncio.sleep(0.05)
        after = numbers.reads
        await asyncio.sleep(0.05)
        return before, numbers.reads - after

    assert asyncio.run(run()) == (0, 0)


def test_a_client_that_takes_nothing_is_dropped() -> None:
    async def run() -> int:
        numbers = Numbers()
        poller = Poller(numbers, 0.0)
        slow, quick = poller.events(), poller.events()
        await anext(slow)
        while numbers.reads < 500:
            await anext(quick)
        await quick.aclose()
        return sum([1 async for _ in slow])

    assert asyncio.run(run()) <= 200


def test_two_who_look_are_read_for_once() -> None:
    async def run() -> tuple[int, list[list[str]]]:
        numbers = Numbers()
        poller = Poller(numbers, 10.0)
        told = await asyncio.gather(*(first(poller.events(), 2) for _ in range(5)))
        return numbers.reads, told

    reads, told = asyncio.run(run())
    assert reads == 1
    assert all(each == told[0] for each in told)
