"""A worker that drives in a thread and is watched by `LiveFeed`, and what its viewers get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from threading import Event, Thread
from typing import Any

import numpy as np
from polling import until

from drcli.services.observers.observer import DrivenStep, RunEnd
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.train.rollout import Decision
from drcli.watch.cameras.live_feed import LiveFeed

METADATA = {
    "action_space": [{"steering_angle": angle, "speed": 1.0} for angle in (-20, 0, 20)],
    "action_space_type": "discrete", "sensor": ["FRONT_FACING_CAMERA"],
    "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW", "version": "5",
}  # fmt: skip
OLD = "/stream?topic=/racecar/deepracer/kvs_stream&quality=10&width=400&height=300"


def driven(world: World | Worlds, obs: Any, *, is_evaluation: bool = False) -> DrivenStep:
    """A step straight ahead, or a little to the left, with all active cars."""
    cars = np.flatnonzero(world.active)
    actions = np.full(len(cars), 1)
    transition = world.step(np.tile([2.0, 1.0], (world.num_envs, 1)), [1] * world.num_envs)
    seen = {name: values[cars] for name, values in obs.items()}
    return DrivenStep(world, cars, seen, Decision(actions, {}), transition, is_evaluation)


class DrivingWorker:
    """Drives until it is told to stop; `steps` counts, and `pause` makes it idle as while a trainer learns."""

    def __init__(self, feed: LiveFeed, world: World | Worlds) -> None:
        self.feed, self.world, self.steps, self.error = feed, world, 0, None
        self._stop, self.pause = Event(), Event()
        self._connections: list[HTTPConnection] = []
        self._responses: list[HTTPResponse] = []
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        obs = self.world.reset()
        while not self._stop.is_set():
            if self.pause.is_set():
                self._stop.wait(0.01)
                continue
            step = driven(self.world, obs)
            obs = step.transition.obs
            self.feed.on_step(step)
            self.steps += 1
            self._stop.wait(0.001)

    def goes_on(self) -> None:
        """Wait for the next steps; fails if it hangs."""
        before = self.steps
        until(lambda: self.steps > before + 20, 60)

    @property
    def port(self) -> int:
        """Of its pictures."""
        assert self.feed.starter is not None
        return self.feed.starter.port

    def get(self, path: str, timeout_s: float = 120.0, **headers: str) -> HTTPResponse:
        """A response, which is not read yet."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        self._connections += [connection]
        self._responses += [response]
        return response

    def close(self) -> None:
        """End it."""
        for opened in (*self._responses, *self._connections):
            opened.close()
        self._stop.set()
        self._thread.join()
        self.feed.on_end(RunEnd("ended"))


def pictures(response: HTTPResponse) -> Iterator[bytes]:
    """The pictures of an MJPEG stream."""
    while True:
        length = 0
        while line := response.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if length:
            yield response.read(length)


def states(response: HTTPResponse) -> Iterator[Any]:
    """The states among server-sent events."""
    while line := response.readline():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
