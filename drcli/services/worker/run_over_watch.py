"""Lets a worker that has lost its trainer find out whether the run is over."""

from __future__ import annotations

import time
from threading import Thread

from drcli.errors import DrError
from drcli.services.shared import service_log
from drcli.services.shared.training_job import TrainingJob
from drcli.store.run_status import read_status

SILENCE_S = 10.0
INTERVAL_S = 5.0


class RunOverWatch:
    """Reads the run's status document periodically, in a thread: requests to an unreachable store are slow."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job
        self._thread: Thread | None = None
        self._next = 0.0
        self._reason = ""
        self._complaint = ""

    def look(self) -> str:
        """Return why the run is over, as far as known; empty while it is not. Does not block."""
        is_reading = self._thread is not None and self._thread.is_alive()
        if not is_reading and time.monotonic() >= self._next:
            self._next = time.monotonic() + INTERVAL_S
            self._thread = Thread(target=self._read, name="run watch", daemon=True)
            self._thread.start()
        return self._reason

    def _read(self) -> None:
        try:
            status = read_status(self._job.bucket, self._job.keys.prefix)
        except DrError as error:
            if error.message != self._complaint:
                self._complaint = error.message
                service_log.line(
                    f"Neither the trainer nor the store is reachable, still waiting: {error.message}"
                )
            return
        if status is not None and status.is_over:
            self._reason = status.stop_reason or status.message or status.state
