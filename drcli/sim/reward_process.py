"""A process that calls a slow reward function for some of the cars: `python -m drcli.sim.reward_process`.

`RewardPool` starts it, tells it the function's text and what the cars do, and gets one message for each car. It ends
with the process that started it. Imports no numba.
"""

from __future__ import annotations

import os
import random
import threading
from queue import SimpleQueue
from typing import IO, Any, NamedTuple

import numpy as np

from drcli.errors import DrError
from drcli.sim.message_pipe import pack, receive, send
from drcli.sim.reward import CarReward, RewardFunction
from drcli.sim.reward_params import TrackFacts, facts_of, reward_params
from drcli.sim.track import Track


class CarsOfStep(NamedTuple):
    """A step of the cars that this process rewards, as lists: `cars` are their numbers here, the rest is by position.

    rows, actions, numbers, time_s, began_s: as in a `Step`; is_reversed: driven against the order of the track's
    points; crashed: in this step; added: params of the race, or None.
    """

    world: int
    cars: list[int]
    rows: list[list[Any]]
    actions: list[list[float]]
    numbers: list[int]
    time_s: list[float]
    began_s: list[float]
    is_reversed: list[bool]
    crashed: list[bool]
    added: list[dict[str, Any]] | None


class _World(NamedTuple):
    facts: tuple[TrackFacts, TrackFacts]  # by is_reversed
    cars: list[CarReward]


class RewardProcess:
    """Answers the messages of a `RewardPool`, in their order."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._lock = threading.Lock()  # the deadline's thread writes, too
        self._reward: RewardFunction | None = None
        self._worlds: dict[int, _World] = {}
        self._printed: list[str] = []

    def handle(self, kind: str, content: Any) -> None:
        """Do what a message asks for. Raises DrError if the function fails."""
        if kind == "function":
            source, filename, seed = content
            random.seed(seed)
            np.random.seed(seed % 2**32)
            self._reward = RewardFunction(source, filename, self._printed.append, self._stuck)
        elif kind == "world":
            number, name, rows, cars = content
            track = Track.from_rows(name, np.frombuffer(rows).reshape(-1, 6))
            assert self._reward is not None
            instances = [self._reward.for_car() for _ in range(cars)]
            self._worlds[number] = _World((facts_of(track, False), facts_of(track, True)), instances)
            self._answer("ready", None)
        elif kind == "end of worlds":
            for number in content:
                self._worlds.pop(number, None)
        else:
            self._pay(CarsOfStep(*content))

    def failed(self, error: DrError) -> None:
        """Pass on an error."""
        self._answer("failed", [error.message, error.hint])

    def _pay(self, step: CarsOfStep) -> None:
        facts, cars = self._worlds[step.world]
        for position, car in enumerate(step.cars):
            params = reward_params(step, position, facts[step.is_reversed[position]])
            if step.added:
                params.update(step.added[position])
            if step.crashed[position]:
                params["is_crashed"] = True
            self._answer("reward", [position, cars[car](params, step.time_s[position])])

    def _stuck(self, sentence: str) -> None:
        self._answer("stuck", sentence)

    def _answer(self, kind: str, content: Any) -> None:
        with self._lock:
            lines, self._printed[:] = self._printed[:], []
            send(self._answers, pack([kind, content, lines]))


def main() -> None:
    """Work until the other side ends. What the function writes without `print` goes to the log of errors."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    messages: SimpleQueue[Any] = SimpleQueue()

    def listen() -> None:
        while (message := receive(asked)) is not None:
            messages.put(message)
        os._exit(0)  # also in the middle of a call that never returns

    threading.Thread(target=listen, name="listen", daemon=True).start()
    process = RewardProcess(answers)
    while True:
        kind, content = messages.get()
        try:
            process.handle(kind, content)
        except DrError as error:
            process.failed(error)
        except BrokenPipeError:
            os._exit(0)


if __name__ == "__main__":
    main()
