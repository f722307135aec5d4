"""Reports what a machine does to the bucket, again and again, and notices if another machine does the same job."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import Any, Protocol

from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.errors import DrError, UsageError
from drcli.store.client import Bucket

# Requests to S3 with a clock that is off by more than this are refused, so such a state is old for certain.
_CERTAINLY_OLD_S = 900.0

Say = Callable[[str], None]


class Copies(Protocol):
    """Something that is kept in the bucket, too."""

    def sync(self) -> None:
        """Copy what has changed. Raises DrError if the bucket is unreachable."""


class AnotherMachine(DrError):
    """Another machine is doing this job."""


def read_state(bucket: Bucket, job: CloudJob) -> CloudState | None:
    """What was reported last; None if there is nothing. Raises DrError if the bucket is unreachable."""
    data = bucket.find(job.keys.state)
    return CloudState.from_json(data) if data is not None else None


def is_of_another(state: CloudState | None, machine: str) -> bool:
    """Whether a state says that another machine is doing the job."""
    return state is not None and state.machine not in ("", machine) and not state.is_over


def check_not_at_work(bucket: Bucket, job: CloudJob) -> None:
    """Raises UsageError if a machine has just reported that it is doing a job of this name."""
    state = read_state(bucket, job)
    if (
        state is None
        or not state.machine
        or state.is_over
        or time.time() - state.updated_at > _CERTAINLY_OLD_S
    ):
        return
    raise UsageError(
        f"The job {job.name} is {state.phase} on {state.machine}, which reported it "
        f"{max(0.0, time.time() - state.updated_at):.0f} s ago.",
        "`dr cloud status` shows it; --name starts another one.",
    )


def wait_for_turn(bucket: Bucket, job: CloudJob, machine: str, silent_s: float, patience_s: float) -> None:
    """Return once no other machine reports that it is doing the job.

    A machine counts as gone once it has reported nothing for `silent_s`, by this machine's watch: clocks may differ.

    Raises:
        AnotherMachine: it still reports after `patience_s`. Its state stays as it is.
    """
    begin = since = time.monotonic()
    seen = read_state(bucket, job)
    while is_of_another(seen, machine):
        assert seen is not None
        silence_s = time.monotonic() - since
        if silence_s >= silent_s or time.time() - seen.updated_at > _CERTAINLY_OLD_S:
            return
        if time.monotonic() - begin > patience_s:
            raise AnotherMachine(
                f"Another machine, {seen.machine}, is doing the job {job.name}.",
                "`dr cloud status` shows it; this machine has changed nothing and ends.",
            )
        time.sleep(min(silent_s / 10, 5.0))
        now = read_state(bucket, job)
        if now != seen:
            seen, since = now, time.monotonic()


class StateReport:
    """The state of this machine, and a thread that reports it, after copying the logs and what else there is.

    A bucket that is unreachable is no reason to stop: the next report makes up for it. If another machine has taken
    the job over meanwhile, `is_replaced` is set and nothing is written any longer.
    """

    def __init__(
        self, bucket: Bucket, job: CloudJob, state: CloudState, copies: Sequence[Copies], say: Say
    ) -> None:
        self.state = state
        self.is_replaced = Event()
        self._bucket, self._job, self._copies, self._say = bucket, job, copies, say
        self._lock, self._due, self._ends = Lock(), Event(), Event()
        self._thread: Thread | None = None
        self._is_unreachable = False

    def start(self, every_s: float) -> None:
        """Report every `every_s` seconds, and soon after each change."""
        self._thread = Thread(target=self._work, args=(every_s,), daemon=True)
        self._thread.start()

    def change(self, **changes: Any) -> None:
        """Change fields of the state; it is reported soon."""
        with self._lock:
            self.state = replace(self.state, **changes)
        self._due.set()

    def end(self, patience_s: float, **changes: Any) -> bool:
        """Report for the last time, for as long as `patience_s` if the bucket is unreachable; whether it worked."""
        self._ends.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join()
        self.change(**changes)
        deadline = time.monotonic() + patience_s
        while not (was_reported := self.report()) and time.monotonic() < deadline:
            if self.is_replaced.is_set():
                return False
            time.sleep(1.0)
        return was_reported

    def report(self) -> bool:
        """Copy what there is and write the state; whether that worked."""
        if self.is_replaced.is_set():
            return False
        try:
            if is_of_another(now := read_state(self._bucket, self._job), self.state.machine):
                assert now is not None
                self._say(f"Another machine, {now.machine}, has taken over the job {self._job.name}.")
                self.is_replaced.set()
                return False
            for each in self._copies:
                each.sync()
            with self._lock:
                self.state = replace(self.state, updated_at=time.time())
                document = self.state.to_json()
            self._bucket.put(self._job.keys.state, document)
        except DrError as error:
            if not self._is_unreachable:
                self._say(f"{error.message} The run continues; reporting is tried again.")
            self._is_unreachable = True
            return False
        if self._is_unreachable:
            self._say("The bucket is reachable again.")
        self._is_unreachable = False
        return True

    def _work(self, every_s: float) -> None:
        retry_s = min(every_s, 5.0)
        while not self._ends.is_set():
            worked = self.report()
            self._due.wait(every_s if worked else retry_s)
            self._due.clear()
