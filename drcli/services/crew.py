"""The workers as the trainer sees them: who is there, who has which assignment, who went missing.

Workers join and leave at any time. An assignment that does not come back is given to another worker; what a
worker sends for an assignment that it no longer has is ignored, so nothing counts twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from drcli.errors import DrError
from drcli.services.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    ToTrainer,
    Welcome,
    from_message,
    to_message,
)
from drcli.services.wire import TrainerSocket, WireError

SILENCE_S = (
    40.0  # a worker silent for longer is gone: one slow step of 16 cars at the reward's limit of 1 s fits in
)

Weights = Mapping[str, NDArray[Any]]


@dataclass
class Worker:
    """One worker: its identity on the wire, its index, and what it is doing."""

    identity: bytes
    index: int
    num_cars: int
    last_seen: float
    policy: str = ""
    tasks: dict[int, Collect | Evaluate] = field(default_factory=dict)

    def has(self, kind: type[Collect | Evaluate]) -> bool:
        """Whether it has an assignment of that kind."""
        return any(isinstance(task, kind) for task in self.tasks.values())


class Crew:
    """All workers of a run; hands out assignments and gathers results."""

    def __init__(
        self, socket: TrainerSocket, welcome: Callable[[int], Welcome], report: Callable[[str], None]
    ) -> None:
        self._socket = socket
        self._welcome = welcome
        self._report = report
        self._workers: dict[bytes, Worker] = {}
        self._waiting: list[Collect | Evaluate] = []
        self._policy = ""
        self._weights: Weights = {}

    @property
    def workers(self) -> list[Worker]:
        """Who is there, by index."""
        return sorted(self._workers.values(), key=lambda worker: worker.index)

    def set_policy(self, policy: str, weights: Weights) -> None:
        """The policy that later assignments name; sent along to workers that do not have it."""
        self._policy, self._weights = policy, weights

    def give(self, tasks: Iterable[Collect | Evaluate]) -> None:
        """Hand out assignments: the first to the worker of lowest index that is free, and so on."""
        self._waiting.extend(tasks)
        self._hand_out()

    def poll(self, timeout_s: float) -> Iterator[tuple[Worker, Experience | Evaluated]]:
        """Results that have arrived within `timeout_s`; keeps track of who is there.

        DrError when a worker reports an error that the user has to mend.
        """
        received = self._socket.receive(timeout_s)
        while received is not None:
            identity, message = received
            try:
                value = from_message(message)
            except WireError as error:
                self._report(f"A message that makes no sense was dropped: {error}")
            else:
                yield from self._handle(identity, value)  # type: ignore[arg-type]
            received = self._socket.receive(0)
        self._drop_silent()
        self._hand_out()

    def goodbye(self) -> None:
        """Send everybody home."""
        for worker in self._workers.values():
            self._socket.send(worker.identity, to_message(Goodbye()))

    def _handle(self, identity: bytes, value: ToTrainer) -> Iterator[tuple[Worker, Experience | Evaluated]]:
        if isinstance(value, Alive):
            self._greet(identity, value)
        elif isinstance(value, Failed):
            raise DrError(value.message, value.hint)
        elif isinstance(value, Experience | Evaluated):
            worker = self._workers.get(identity)
            if worker is not None and worker.tasks.pop(value.assignment, None) is not None:
                worker.last_seen = time.monotonic()
                yield worker, value

    def _greet(self, identity: bytes, alive: Alive) -> None:
        now = time.monotonic()
        if identity in self._workers:
            self._workers[identity].last_seen = now
            return
        for other in [w for w in self._workers.values() if w.index == alive.index]:
            self._drop(other, "was started again")
        self._workers[identity] = Worker(identity, alive.index, alive.num_cars, now)
        self._socket.send(identity, to_message(self._welcome(alive.index)))
        self._report(f"Worker {alive.index} is there with {alive.num_cars} cars.")

    def _drop_silent(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if now - worker.last_seen > SILENCE_S:
                self._drop(worker, f"has been silent for {SILENCE_S:.0f} s")

    def _drop(self, worker: Worker, why: str) -> None:
        del self._workers[worker.identity]
        again = list(worker.tasks.values())
        self._waiting[:0] = again
        self._report(
            f"Worker {worker.index} {why}" + (f"; {len(again)} assignments go out again." if again else ".")
        )

    def _hand_out(self) -> None:
        for task in list(self._waiting):
            free = next((worker for worker in self.workers if not worker.has(type(task))), None)
            if free is not None:
                self._waiting.remove(task)
                self._send(free, task)

    def _send(self, worker: Worker, task: Collect | Evaluate) -> None:
        worker.tasks[task.assignment] = task
        if worker.policy != task.policy:
            task = replace(task, weights=self._weights)
            worker.policy = task.policy
        self._socket.send(worker.identity, to_message(task))
