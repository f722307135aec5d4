"""More or fewer replicas of a service of processes: asks the supervisor of the run, and waits for it."""

from __future__ import annotations

import time

from drcli.errors import DrError
from drcli.launch.processes.process_folder import ProcessFolder

DEADLINE_S = 60.0  # a worker that does not leave is killed long before
_POLL_S = 0.05


def scale(folder: ProcessFolder, service: str, replicas: int) -> None:
    """Have `replicas` of a service. Returns once so many processes run and no other.

    Raises:
        DrError: the run is over, the number is not reached in time, or the supervisor was killed. What was asked for
            still holds then: its successor sees to it.
    """
    folder.request_replicas(service, replicas)
    deadline = time.monotonic() + DEADLINE_S
    while True:
        run = folder.read_state()
        if run is None or run.state not in ("starting", "running"):
            raise DrError("The run ends, so its workers cannot be changed.", "`dr status` shows how it went.")
        workers = [replica for replica in run.replicas if replica.service == service]
        if len(workers) == replicas and all(worker.is_alive for worker in workers):
            return
        if run.is_orphan:
            raise DrError(
                "The supervisor of the run was killed.",
                f"`dr status` gives it another one, which sees to it that there are {replicas} workers.",
            )
        if time.monotonic() > deadline:
            hint = f"`dr logs {service}` and {folder.supervisor_log} show why."
            raise DrError(f"There are {len(workers)} workers, not {replicas}.", hint)
        time.sleep(_POLL_S)
