"""Writes to the bucket in the background, in order, so that the training loop does not wait for it.

A store that is unreachable for a while is waited for; one that stays so ends the run with its own error. What waits is
in memory: when checkpoints come faster than the store takes them, the loop has to wait, as each has 100 MB or so.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drcli.errors import DrError
from drcli.retry import keep_trying

PATIENCE_S = 180.0
_PAUSES_S = (0.5, 1.0, 2.0, 5.0)
WAITS = (
    "Training waits: checkpoints come faster than the store writes them. "
    "With a larger DR_TRAIN_EVAL_INTERVAL they are fewer."
)
_MOST_LARGE = 2  # that may wait, while another one is written


@dataclass(frozen=True)
class _Job:
    name: str  # a waiting job of the same name is replaced: only the newest state counts
    run: Callable[[], None]
    is_large: bool


class Publisher:
    """A queue of jobs and the one thread that does them. faults: how often the store did not take something."""

    def __init__(self, report: Callable[[str], None], patience_s: float = PATIENCE_S) -> None:
        self.faults = 0
        self._report = report
        self._patience_s = patience_s
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._is_busy = False
        self._is_closed = False
        self._has_waited = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def submit(
        self, name: str, run: Callable[[], None], *, first: bool = False, is_large: bool = False
    ) -> None:
        """Do `run` after what waits already, or before it; a waiting job of the same name is dropped for it.

        What comes again and again has to be `first`: behind a queue that never gets empty it would never be done.
        is_large: it keeps a lot of memory until it is done; `keep_pace` limits how many wait.
        """
        with self._change:
            self._jobs = deque(job for job in self._jobs if job.name != name)
            self._jobs.insert(0 if first else len(self._jobs), _Job(name, run, is_large))
            self._change.notify_all()

    def check(self) -> None:
        """Raise what made a job fail for good."""
        if self._failure is not None:
            raise self._failure

    def keep_pace(self, tick: Callable[[], None] = lambda: None) -> None:
        """Wait while too many large jobs wait, with a `tick` each second; raise what failed."""

        def wait() -> None:
            tick()
            if not self._has_waited:
                self._has_waited = True
                self._report(WAITS)

        self._wait(lambda: sum(job.is_large for job in self._jobs) <= _MOST_LARGE, wait)

    def flush(self, tick: Callable[[], None] = lambda: None) -> None:
        """Wait until everything is written, with a `tick` each second; raise what failed."""
        self._wait(lambda: not (self._jobs or self._is_busy), tick)

    def close(self) -> None:
        """Finish what waits, then end the thread. Raises nothing: `flush` first to know."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._thread.join(timeout=self._patience_s)

    def _wait(self, is_reached: Callable[[], bool], tick: Callable[[], None]) -> None:
        with self._change:
            while not self._change.wait_for(lambda: is_reached() or self._failure is not None, timeout=1.0):
                tick()
        self.check()

    def _work(self) -> None:
        while True:
            with self._change:
                self._is_busy = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._jobs or self._is_closed)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._is_busy = True
            try:
                self._do(job)
            except BaseException as error:  # noqa: BLE001 - handed to the training loop, which raises it
                with self._change:
                    self._failure = error
                    self._jobs.clear()
                    self._change.notify_all()
                return

    def _do(self, job: _Job) -> None:
        faults = 0

        def report(error: DrError, pause_s: float) -> None:
            nonlocal faults
            faults += 1
            self.faults += 1
            self._report(f"{job.name} could not be written, next try in {pause_s:g} s: {error.message}")

        keep_trying(
            job.run,
            patience_s=self._patience_s,
            pause_s=lambda attempts: _PAUSES_S[min(attempts, len(_PAUSES_S)) - 1],
            is_worth_it=lambda error: not self._is_closed,
            report=report,
        )
        if faults:
            self._report(f"{job.name} is written now.")
