"""The workers as the trainer sees them: who is there, who has which assignment, who went missing.

Workers join and leave at any time. An assignment that does not come back is given to another worker; what a
worker sends for an assignment that it no longer has is ignored, so nothing counts twice.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from drcli.errors import DrError
from drcli.services.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    Leaving,
    ToTrainer,
    Welcome,
    from_message,
    to_message,
)
from drcli.services.wire import TrainerSocket, WireError

SILENCE_S = (
    40.0  # a worker silent for longer is gone: one slow step of 16 cars at the reward's limit of 1 s fits in
)


@dataclass
class Worker:
    """One worker: its identity on the wire, its index, the policy it has, and what it is doing."""

    identity: bytes
    index: int
    num_cars: int
    last_seen: float
    name: str = ""  # of one whose index was given to it
    policy: str = ""
    tasks: dict[int, Collect | Evaluate] = field(default_factory=dict)

    def has(self, kind: type[Collect | Evaluate]) -> bool:
        """Whether it has an assignment of that kind."""
        return any(isinstance(task, kind) for task in self.tasks.values())


class Crew:
    """All workers of a run; hands out assignments and gathers results.

    On the wire an assignment has a number of its own each time it is handed out, also across restarts of the
    trainer: a result can only be taken for what it is.
    """

    def __init__(
        self,
        socket: TrainerSocket,
        welcome: Callable[[int], Welcome],
        report: Callable[[str], None],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._socket = socket
        self._welcome = welcome
        self._report = report
        self._silence_s = silence_s
        self._numbers = count(secrets.randbits(48))
        self._workers: dict[bytes, Worker] = {}
        self._indexes: dict[str, int] = {}  # of names, also of those who are away; not of those who have left
        self._waiting: list[Collect | Evaluate] = []

    @property
    def workers(self) -> list[Worker]:
        """Who is there, by index."""
        return sorted(self._workers.values(), key=lambda worker: worker.index)

    def give(self, tasks: Iterable[Collect | Evaluate]) -> None:
        """Hand out assignments: the first to the worker of lowest index that is free, and so on.

        Their weights are sent to workers that have another policy.
        """
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
        elif isinstance(value, Leaving):
            self._let_go(identity)
        elif isinstance(value, Experience | Evaluated):
            worker = self._workers.get(identity)
            task = worker.tasks.pop(value.assignment, None) if worker is not None else None
            if worker is not None and task is not None:
                worker.last_seen = time.monotonic()
                yield worker, replace(value, assignment=task.assignment)

    def _greet(self, identity: bytes, alive: Alive) -> None:
        now = time.monotonic()
        if identity in self._workers:
            self._workers[identity].last_seen = now
            return
        name = alive.name if alive.index < 0 else ""
        index = alive.index if alive.index >= 0 else self._index_of(name)
        for other in [w for w in self._workers.values() if w.index == index]:
            self._drop(other, "was started again")
        self._workers[identity] = Worker(identity, index, alive.num_cars, now, name)
        self._socket.send(identity, to_message(self._welcome(index)))
        self._report(f"Worker {index} is there with {alive.num_cars} cars{f' ({name})' if name else ''}.")

    def _index_of(self, name: str) -> int:
        """The index that this name had, else the lowest that nobody has who is there or may come back."""
        if name not in self._indexes:
            taken = {*self._indexes.values(), *(worker.index for worker in self._workers.values())}
            self._indexes[name] = next(index for index in count() if index not in taken)
        return self._indexes[name]

    def _let_go(self, identity: bytes) -> None:
        worker = self._workers.get(identity)
        if worker is not None:
            self._drop(worker, "has left")
            self._indexes.pop(worker.name, None)

    def _drop_silent(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if now - worker.last_seen > self._silence_s:
                self._drop(worker, f"has been silent for {self._silence_s:g} s")

    def _drop(self, worker: Worker, why: str) -> None:
        del self._workers[worker.identity]
        again = list(worker.tasks.values())
        self._waiting[:0] = again
        self._report(
            f"Worker {worker.index} {why}" + (f"; {len(again)} assignments go out again." if again else ".")
        )

    def _hand_out(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            free = next((worker for worker in self.workers if not worker.has(type(task))), None)
            if free is None:
                self._waiting.append(task)
            else:
                self._send(free, task)

    def _send(self, worker: Worker, task: Collect | Evaluate) -> None:
        number = next(self._numbers)
        worker.tasks[number] = task
        weights = {} if worker.policy == task.policy else task.weights
        worker.policy = task.policy
        self._socket.send(worker.identity, to_message(replace(task, assignment=number, weights=weights)))
