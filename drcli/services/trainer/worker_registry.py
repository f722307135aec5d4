"""The workers of a run: which are connected, what they are assigned, which went missing.

Workers join and leave at any time. An unfinished assignment is given to another worker; results for an assignment
that a worker no longer has are ignored, so nothing counts twice.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from drcli.errors import DrError
from drcli.services.shared.protocol import (
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
    from_worker,
)
from drcli.services.shared.wire import TrainerSocket, WireError
from drcli.train.rollout import RolloutSpec

SILENCE_S = (
    80.0  # a worker silent for longer is gone: one slow step of 64 cars at the reward's limit of 1 s fits in
)


@dataclass
class KnownWorker:
    """A connected worker: its identity on the wire, its index, the policies it has, and its assignments."""

    identity: bytes
    index: int
    num_cars: int
    last_seen: float
    name: str = ""  # of a worker whose index was assigned by the trainer
    policies: dict[str, str] = field(default_factory=dict)  # by seat
    tasks: dict[int, Collect | Evaluate] = field(default_factory=dict)

    def has(self, kind: type[Collect | Evaluate]) -> bool:
        """Whether it has an assignment of that kind."""
        return any(type(task) is kind for task in self.tasks.values())


class WorkerRegistry:
    """Hands out assignments to the workers of a run and collects their results.

    On the wire an assignment gets a new number each time it is handed out, unique across restarts of the trainer, so
    that results cannot be mixed up. Rollouts must match the spec of their seat in `expected`.
    """

    def __init__(
        self,
        socket: TrainerSocket,
        expected: Mapping[str, RolloutSpec],
        welcome: Callable[[int], Welcome],
        report: Callable[[str], None],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._socket = socket
        self._expected = expected
        self._welcome = welcome
        self._report = report
        self._silence_s = silence_s
        self._numbers = count(secrets.randbits(48))
        self._workers: dict[bytes, KnownWorker] = {}
        self._indexes: dict[str, int] = {}  # by name, including silent workers but not those that left
        self._waiting: list[Collect | Evaluate] = []

    @property
    def present(self) -> list[KnownWorker]:
        """The connected workers, by index."""
        return sorted(self._workers.values(), key=lambda worker: worker.index)

    def give(self, tasks: Iterable[Collect | Evaluate]) -> None:
        """Hand out assignments, each to the free worker with the lowest index.

        Weights are sent only to workers that have another policy.
        """
        self._waiting.extend(tasks)
        self._hand_out()

    def poll(self, timeout_s: float) -> Iterator[tuple[KnownWorker, Experience | Evaluated]]:
        """Yield results that arrive within `timeout_s`; registers and drops workers.

        Raises DrError if a worker reports an error that the user has to fix.
        """
        received = self._socket.receive(timeout_s)
        while received is not None:
            identity, message = received
            try:
                said = from_worker(message, self._expected_of)
            except WireError as error:
                self._report(f"A malformed message was dropped: {error}")
            else:
                yield from self._handle(identity, said)
            received = self._socket.receive(0)
        self._drop_silent()
        self._hand_out()

    def dismiss(self) -> None:
        """Tell everybody that the run is over."""
        for worker in self._workers.values():
            self._socket.send(worker.identity, Goodbye().to_message())

    def _expected_of(self, number: int) -> RolloutSpec | None:
        tasks = (worker.tasks.get(number) for worker in self._workers.values())
        return next((self._expected[task.seat] for task in tasks if task), None)

    def _handle(
        self, identity: bytes, said: ToTrainer
    ) -> Iterator[tuple[KnownWorker, Experience | Evaluated]]:
        match said:
            case Alive():
                self._greet(identity, said)
            case Failed(message, hint):
                raise DrError(message, hint)
            case Leaving():
                self._let_go(identity)
            case Experience() | Evaluated():
                worker = self._workers.get(identity)
                task = worker.tasks.pop(said.assignment, None) if worker is not None else None
                if worker is not None and task is not None:
                    worker.last_seen = time.monotonic()
                    yield worker, replace(said, assignment=task.assignment)

    def _greet(self, identity: bytes, alive: Alive) -> None:
        now = time.monotonic()
        if identity in self._workers:
            self._workers[identity].last_seen = now
            return
        name = alive.name if alive.index < 0 else ""
        index = alive.index if alive.index >= 0 else self._index_of(name)
        for other in [w for w in self._workers.values() if w.index == index]:
            self._drop(other, "was restarted")
        self._workers[identity] = KnownWorker(identity, index, alive.num_cars, now, name)
        self._socket.send(identity, self._welcome(index).to_message())
        self._report(f"Worker {index} has joined with {alive.num_cars} cars{f' ({name})' if name else ''}.")

    def _index_of(self, name: str) -> int:
        """The index that this name had, otherwise the lowest that no connected or returning worker has."""
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

    def _drop(self, worker: KnownWorker, why: str) -> None:
        del self._workers[worker.identity]
        again = list(worker.tasks.values())
        self._waiting[:0] = again
        self._report(f"Worker {worker.index} {why}" + (f"; reassigned: {len(again)}." if again else "."))

    def _hand_out(self) -> None:
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            free = next((worker for worker in self.present if not worker.has(type(task))), None)
            if free is None:
                self._waiting.append(task)
            else:
                self._send(free, task)

    def _send(self, worker: KnownWorker, task: Collect | Evaluate) -> None:
        number = next(self._numbers)
        worker.tasks[number] = task
        weights = {} if worker.policies.get(task.seat) == task.policy else task.weights
        worker.policies[task.seat] = task.policy
        self._socket.send(worker.identity, replace(task, assignment=number, weights=weights).to_message())
