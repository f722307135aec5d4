"""The events of `/live`: a worker's state as JSON, with what its network would do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from drcli.contract.live_state import LiveState
from drcli.watch.cameras.live_states import LiveStates
from drcli.watch.cameras.network_view import NetworkView, Opinion

_EVENTS_PER_S = 10.0
_KEEP_ALIVE_S = 5.0
_PLAIN = "worker world_name phase at car episode step progress lap_s speed_mps steering_deg reward total_reward status"


class LiveEvents:
    """Events for any number of clients: each state is judged by the network once."""

    def __init__(self, states: LiveStates, network: NetworkView) -> None:
        self._states, self._network = states, network
        self._thinking = ThreadPoolExecutor(1, "network")
        self._text = (0, "")
        self._lock = asyncio.Lock()

    async def events(self) -> AsyncIterator[str]:
        """Lines of server-sent events."""
        last, sent = 0, 0.0
        yield "retry: 2000\n\n"
        while True:
            began = time.monotonic()
            number, text = await self._newest()
            if number != last:
                last, sent = number, began
                yield f"event: state\ndata: {text}\n\n"
            elif began - sent > _KEEP_ALIVE_S:
                sent = began
                yield ": nobody drives\n\n"
            took = time.monotonic() - began
            await asyncio.sleep(max(1 / _EVENTS_PER_S - took, took))

    async def _newest(self) -> tuple[int, str]:
        async with self._lock:
            number, state = self._states.newest()
            if state is not None and number != self._text[0]:
                loop = asyncio.get_running_loop()
                opinion = await loop.run_in_executor(self._thinking, self._network.opinion, state)
                self._text = number, json.dumps(document(state, opinion))
            return self._text


def document(state: LiveState, opinion: Opinion) -> dict[str, Any]:
    """The event of a state, as plain values."""
    values: dict[str, Any] = {name: getattr(state, name) for name in _PLAIN.split()}
    chosen = state.chosen
    values["action"] = str(chosen) if isinstance(chosen, int) else " ".join(f"{part:.2f}" for part in chosen)
    cars = ("x_m", "y_m", "heading_rad", "speed_mps", "name", "color")
    values["cars"] = [{name: getattr(car, name) for name in cars} for car in state.cars]
    boxes = ("x_m", "y_m", "heading_rad", "length_m", "width_m", "height_m", "is_car")
    values["boxes"] = [{name: getattr(box, name) for name in boxes} for box in state.boxes]
    return values | asdict(opinion)
