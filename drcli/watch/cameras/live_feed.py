"""The observer behind the live pictures: tells the worker's camera server what happens, if anybody looks.

Without a viewer it costs a look at the clock per step; no second process runs. A slow or vanished viewer is the camera
server's business: nothing here waits for it.
"""

from __future__ import annotations

import time
from typing import ClassVar

from drcli.contract.service_variables import Role
from drcli.launch.camera_address import read_port, write_port
from drcli.services.observers.observer import DrivenStep, ObservedRun, Observer, RunEnd
from drcli.services.shared import service_log
from drcli.watch.cameras.feed_socket import FeedSender
from drcli.watch.cameras.server_starter import ServerStarter, listen

_INTERVAL_S = 1 / 15  # as often as a car decides in real time


class LiveFeed(Observer):
    """Watches one car at a time, until its world or its drive is over."""

    roles: ClassVar[frozenset[Role]] = frozenset(("worker", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        self._next = 0.0
        self._car, self._world = -1, None
        self._feed: FeedSender | None = None
        self._starter: ServerStarter | None = None
        if run.environment.camera_port:
            self._open(run)

    def _open(self, run: ObservedRun) -> None:
        environment = run.environment
        file = environment.camera_file
        before = read_port(file) if file is not None else None
        host = (
            "0.0.0.0" if environment.is_container else "127.0.0.1"
        )  # containers publish it where they are told
        try:
            listener = listen(host, environment.camera_port, before)
        except OSError as error:
            service_log.line(f"There are no live pictures of this worker: {error}")
            return
        self._feed = FeedSender()
        self._starter = ServerStarter(
            listener,
            {
                "endpoint": self._feed.endpoint,
                "key": self._feed.public_key,
                "worker": environment.worker_index,
            },
        )
        port = self._starter.port
        if file is not None:
            write_port(file, port)
        service_log.line(
            f"Live pictures of this worker: port {port} of this container; `dr start-viewer` shows them."
            if environment.is_container
            else f"Live pictures of this worker: http://127.0.0.1:{port}/"
        )

    @property
    def starter(self) -> ServerStarter | None:
        """What starts the camera server; None if there are no pictures."""
        return self._starter

    def on_step(self, step: DrivenStep) -> None:
        """Send what it looks like, up to 15 times a second, to those who look."""
        now = time.monotonic()
        if now < self._next or self._feed is None:
            return
        if not self._feed.is_wanted:
            self._next = now + _INTERVAL_S
            return
        if not self._is_of_watched(step):
            return
        from drcli.watch.cameras.snapshot import snapshot

        self._next = now + _INTERVAL_S
        self._feed.send(snapshot(step, max(self.run.environment.worker_index, 0), self._car).pack())

    def _is_of_watched(self, step: DrivenStep) -> bool:
        """Whether the watched car drove in this step; another one is chosen if it drives no more."""
        world = step.world
        if self._world is world and self._car in step.cars:
            return True
        if self._world is world and world.active[self._car]:
            return False  # a race of several models: the step of another one's cars
        self._world, self._car = world, int(step.cars[0])  # type: ignore[assignment]
        return True

    def on_end(self, end: RunEnd) -> None:
        """End the camera server."""
        if self._starter is not None:
            self._starter.close()
        if self._feed is not None:
            self._feed.close()
        self._starter = self._feed = None
