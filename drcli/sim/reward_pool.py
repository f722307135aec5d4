"""Processes that call a slow reward function at the same time, each for its own cars.

Every car has its instance in one of them for good, so that state between steps and the order of steps are as in one
process. Only text and numbers pass between the processes (`message_pipe`).
"""

from __future__ import annotations

import random
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from drcli import local
from drcli.sim.message_pipe import pack, receive, send
from drcli.sim.reward import FIRST_LIMIT_S, RewardError, RewardFunction
from drcli.sim.reward_process import CarsOfStep
from drcli.sim.track import Track

if TYPE_CHECKING:
    from subprocess import Popen  # noqa: TID251 - `local` starts it

_PROGRAM = "drcli.sim.reward_process"
_PATIENCE_S = FIRST_LIMIT_S + 15.0  # for an answer: the process itself reports a call that takes too long
_END_S = 5.0


class Answer(NamedTuple):
    """What a process says: its index, the kind of message, and its content."""

    process: int
    kind: str
    content: Any


class RewardPool:
    """`reward.processes` processes with the function of `reward`, which also gets what they print.

    It has one user at a time: a world asks and reads all answers before another world does.
    """

    def __init__(self, reward: RewardFunction) -> None:
        # Not the function itself: the pool ends when nobody uses the function any more.
        self._print_line, self._on_stuck, self._filename = reward.print_line, reward.on_stuck, reward.filename
        self._answers: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._programs = [local.companion([sys.executable, "-m", _PROGRAM]) for _ in range(reward.processes)]
        self._end = weakref.finalize(self, _end, self._programs)
        self._worlds = 0
        self._ended: list[int] = []  # worlds; the processes are told before the next one
        for number, program in enumerate(self._programs):
            assert program.stdout is not None
            listener = (program.stdout, number, self._answers)
            threading.Thread(target=_listen, args=listener, name="reward answers", daemon=True).start()
            self._send(number, pack(["function", [reward.source, reward.filename, random.getrandbits(32)]]))

    @property
    def size(self) -> int:
        """How many processes there are."""
        return len(self._programs)

    @property
    def is_open(self) -> bool:
        """Whether it can still be asked."""
        return self._end.alive

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process numbers."""
        return tuple(program.pid for program in self._programs)

    def add_world(self, track: Track, cars: Sequence[int]) -> int:
        """Create instances: `cars[i]` of them in process `i`. Returns the world's number in `CarsOfStep`.

        Raises:
            RewardError: the function's module fails.
        """
        ended, self._ended[:] = self._ended[:], []
        for process in range(self.size):
            self._send(process, pack(["end of worlds", ended]))
        number, self._worlds = self._worlds, self._worlds + 1
        content = [number, track.name, track.rows.tobytes(), 0]
        used = [process for process, count in enumerate(cars) if count]
        for process in used:
            self._send(process, pack(["world", [*content[:3], cars[process]]]))
        for _ in used:
            self.next_answer()
        return number

    def end_world(self, number: int) -> None:
        """Forget the instances of a world, some time; may be called in the middle of anything."""
        self._ended.append(number)

    def ask(self, process: int, step: CarsOfStep) -> None:
        """Ask for the rewards of a step; `next_answer` gives each of them as [position, reward]."""
        self._send(process, pack(["step", step]))

    def next_answer(self) -> Answer:
        """Wait for the next message of any process.

        Raises:
            RewardError: the function fails or hangs.
            ChildProcessError: a process has ended.
        """
        try:
            process, message = self._answers.get(timeout=_PATIENCE_S)
        except Empty:
            raise self._stuck(f"{self._filename}: reward_function does not return") from None
        if message is None:
            code = self._programs[process].wait()
            self.close()
            raise ChildProcessError(f"A process that calls the reward function has ended with {code}.")
        kind, content, lines = message
        for line in lines:
            self._print_line(line)
        if kind == "failed":
            self.close()
            raise RewardError(*content)
        if kind == "stuck":
            raise self._stuck(content)
        return Answer(process, kind, content)

    def close(self) -> None:
        """End the processes."""
        self._end()

    def _stuck(self, sentence: str) -> RewardError:
        self.close()
        if self._on_stuck:
            self._on_stuck(sentence)
        return RewardError(sentence)

    def _send(self, process: int, packed: bytes) -> None:
        pipe = self._programs[process].stdin
        assert pipe is not None
        with suppress(BrokenPipeError):  # the next answer tells that it has ended
            send(pipe, packed)


def _listen(pipe: IO[bytes], process: int, answers: SimpleQueue[tuple[int, Any]]) -> None:
    """Pass on the answers of a process until it ends."""
    message: Any = ""
    while message is not None:
        message = receive(pipe)
        answers.put((process, message))
    pipe.close()


def _end(programs: Sequence[Popen[bytes]]) -> None:
    for program in programs:
        program.kill()
    for program in programs:
        program.wait(_END_S)
        assert program.stdin is not None
        with suppress(OSError):
            program.stdin.close()
