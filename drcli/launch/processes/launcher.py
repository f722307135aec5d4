"""The launcher of local processes: starts a supervisor for a run folder, reads and stops what it looks after."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping

from drcli.errors import DrError
from drcli.launch import local_process, log_files
from drcli.launch.plan import Plan
from drcli.launch.processes.run_folder import Replica, RunFolder, Stack
from drcli.launch.processes.supervisor import Supervisor
from drcli.launch.stack_view import ReplicaView, StackView
from drcli.local import ProcessRef, lock
from drcli.paths import Workspace

_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 120.0
_POLL_S = 0.05
_LOST = "Nothing of it runs any more: it was killed, or the machine was."
_RESUME = "`dr start-training --resume` goes on after the last checkpoint."


class ProcessLauncher:
    """`drcli.launch.run_control.Launcher` for local processes."""

    def check(self, plan: Plan, workspace: Workspace) -> None:
        """Nothing is needed but this machine."""

    def start(self, plan: Plan, folder: RunFolder) -> None:
        """Start the supervisor, which starts the services."""
        _supervise(folder, plan.secrets)

    def read(self, folder: RunFolder) -> StackView | None:
        """The stack as the supervisor has it."""
        stack = folder.read_stack()
        return None if stack is None else _view(stack)

    def stop(self, folder: RunFolder) -> None:
        """End a run in good order and wait for it."""
        deadline, asked = time.monotonic() + _STOP_DEADLINE_S, False
        stack = folder.read_stack()
        while stack is not None and stack.is_alive and time.monotonic() < deadline:
            if stack.is_orphan:
                _stop_orphan(folder)
            elif not asked:
                local_process.ask_to_stop(stack.supervisor)
                asked = True
            time.sleep(_POLL_S)
            stack = folder.read_stack()
        for replica in stack.replicas if stack is not None else ():
            local_process.kill(replica.process)

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Change the number of workers and wait for it."""
        from drcli.launch.processes import scaling

        scaling.scale(folder, replicas)

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """Lines of a process's log; with `goes_on`, also those that come as long as it says yes."""
        return log_files.read(folder.log(name), tail, goes_on)


def revive(folder: RunFolder, secrets: Mapping[str, str]) -> None:
    """Give a stack whose supervisor was killed a new one, which takes over what still runs."""
    with lock(folder.lock):
        stack = folder.read_stack()
        if stack is not None and stack.is_orphan:
            _supervise(folder, secrets)


def is_abandoned(folder: RunFolder) -> bool:
    """Does it go on, or has it ended, without a supervisor? What was killed as a whole stays dead."""
    stack = folder.read_stack()
    return stack is not None and stack.is_orphan and (stack.is_alive or folder.has_ended(stack))


def _view(stack: Stack) -> StackView:
    is_lost = not (stack.is_over or stack.is_alive)
    return StackView(
        state="lost" if is_lost else stack.state,
        replicas=tuple(_replica(replica) for replica in stack.replicas),
        message=_LOST if is_lost else stack.message,
        hint=_RESUME if is_lost else stack.hint,
        is_orphan=stack.is_orphan,
    )


def _replica(replica: Replica) -> ReplicaView:
    return ReplicaView(
        name=replica.name,
        service=replica.service,
        state="running" if replica.is_alive else "ended" if replica.exit_code == 0 else "down",
        restarts=replica.restarts,
        exit_code=replica.exit_code,
        pid=replica.process.pid if replica.is_alive else None,
    )


def _stop_orphan(folder: RunFolder) -> None:
    """Do the part of the supervisor that was killed."""
    with lock(folder.lock):
        supervisor = Supervisor(folder)
        supervisor.request_stop()
        supervisor.take_over()
    supervisor.run()


def _supervise(folder: RunFolder, secrets: Mapping[str, str]) -> None:
    """Start a supervisor and wait until it has taken charge. DrError when it does not."""
    command = (sys.executable, "-m", "drcli.launch.processes.supervisor", str(folder.path), str(folder.logs))
    supervisor = local_process.spawn(command, secrets, folder.supervisor_log)
    deadline = time.monotonic() + _START_DEADLINE_S
    while supervisor.is_alive and time.monotonic() < deadline:
        if _is_in_charge(supervisor, folder):
            return
        time.sleep(_POLL_S)
    if not _is_in_charge(supervisor, folder):
        local_process.kill(supervisor)
        said = folder.supervisor_log.read_text(errors="replace").splitlines()[-1:]
        raise DrError(
            ": ".join(["The stack did not start", *said]), f"Its supervisor's log is {folder.supervisor_log}."
        )


def _is_in_charge(supervisor: ProcessRef, folder: RunFolder) -> bool:
    stack = folder.read_stack()
    return stack is not None and stack.supervisor.pid == supervisor.pid and stack.state != "starting"
