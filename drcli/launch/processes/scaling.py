"""Scaling a service of local processes: asks the supervisor of the run and waits for it."""

from __future__ import annotations

import time

from drcli.errors import DrError
from drcli.launch.processes.process_folder import ProcessFolder

DEADLINE_S = 60.0  # a worker that does not stop is killed long before that
_POLL_S = 0.05


def scale(folder: ProcessFolder, service: str, replicas: int) -> None:
    """Change a service to `replicas` replicas. Returns once exactly that many processes are running.

    Raises:
        DrError: the run is over, the number is not reached in time, or the supervisor was killed. In the last case
            the request stays valid for its successor.
    """
    folder.request_replicas(service, replicas)
    deadline = time.monotonic() + DEADLINE_S
    while True:
        run = folder.read_state()
        if run is None or run.state not in ("starting", "running"):
            raise DrError(
                "The run is ending; its workers cannot be scaled.", "`dr status` shows its outcome."
            )
        workers = [replica for replica in run.replicas if replica.service == service]
        if len(workers) == replicas and all(worker.is_alive for worker in workers):
            return
        if run.is_orphan:
            raise DrError(
                "The supervisor of the run was killed.",
                f"`dr status` starts a new one, which then scales to {replicas} workers.",
            )
        if time.monotonic() > deadline:
            hint = f"`dr logs {service}` and {folder.supervisor_log} show why."
            raise DrError(f"There are {len(workers)} workers, not {replicas}.", hint)
        time.sleep(_POLL_S)
