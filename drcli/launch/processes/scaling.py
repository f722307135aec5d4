"""More or fewer workers of a process stack that runs: asks its supervisor, and waits for it."""

from __future__ import annotations

import time

from drcli.errors import DrError
from drcli.launch.processes.run_folder import RunFolder

SERVICE = "robomaker"
DEADLINE_S = 60.0  # a worker that does not leave is killed long before
_POLL_S = 0.05


def scale(folder: RunFolder, replicas: int) -> None:
    """Have `replicas` workers. Returns once so many processes run and no other.

    Raises:
        DrError: the run is over, the number is not reached in time, or the supervisor was killed. What was asked for
            still holds then: its successor sees to it.
    """
    folder.request_replicas(SERVICE, replicas)
    deadline = time.monotonic() + DEADLINE_S
    while True:
        stack = folder.read_stack()
        if stack is None or stack.state not in ("starting", "running"):
            raise DrError("The run ends, so its workers cannot be changed.", "`dr status` shows how it went.")
        workers = [replica for replica in stack.replicas if replica.service == SERVICE]
        if len(workers) == replicas and all(worker.is_alive for worker in workers):
            return
        if stack.is_orphan:
            raise DrError(
                "The supervisor of the run was killed.",
                f"`dr status` gives it another one, which sees to it that there are {replicas} workers.",
            )
        if time.monotonic() > deadline:
            hint = f"`dr logs {SERVICE}` and {folder.supervisor_log} show why."
            raise DrError(f"There are {len(workers)} workers, not {replicas}.", hint)
        time.sleep(_POLL_S)
