"""A process stack from outside: start it, look at it, stop it. Commands call this; all state is in the run folder."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Mapping

from drcli.errors import DrError
from drcli.launch import process
from drcli.launch.plan import Kind, Plan
from drcli.launch.run_folder import RunFolder, Stack
from drcli.local import exclusive
from drcli.paths import Workspace

_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 120.0
_POLL_S = 0.05


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_not_running(workspace: Workspace, kind: Kind, run_id: int) -> None:
    """DrError when the run is under way."""
    stack = read(workspace, kind, run_id)
    if stack is not None and stack.is_alive:
        stop = "stop-training" if kind == "training" else "stop-evaluation"
        raise DrError(
            f"The {kind} of run {run_id} is {stack.state} already.",
            f"`dr {stop}` ends it; DR_RUN_ID={run_id + 1} starts another one beside it.",
        )


def start(plan: Plan, workspace: Workspace) -> RunFolder:
    """Start the stack and return once its services are started; they may not be ready yet. DrError if it runs."""
    folder = RunFolder.of(workspace, plan.kind, plan.run_id)
    with exclusive(folder.lock):
        check_not_running(workspace, plan.kind, plan.run_id)
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        _set_aside(folder)
        folder.write_plan(plan)
        _supervise(folder, plan.secrets)
        _wait_for_state(folder)
    return folder


def read(workspace: Workspace, kind: Kind, run_id: int) -> Stack | None:
    """The stack of a run as its run folder has it; None when nothing was ever started."""
    return RunFolder.of(workspace, kind, run_id).read_stack()


def revive(workspace: Workspace, kind: Kind, run_id: int, secrets: Mapping[str, str]) -> None:
    """Give a stack whose supervisor was killed a new one, which takes over what still runs."""
    folder = RunFolder.of(workspace, kind, run_id)
    with exclusive(folder.lock):
        stack = folder.read_stack()
        if stack is not None and not stack.is_over and not stack.supervisor.is_alive:
            _supervise(folder, secrets)
            _wait_for_state(folder, instead_of=stack)


def stop(workspace: Workspace, kind: Kind, run_id: int) -> bool:
    """End a run in good order and wait for it; False when it was not running. Idempotent."""
    stack = read(workspace, kind, run_id)
    if stack is None or not stack.is_alive:
        return False
    folder = RunFolder.of(workspace, kind, run_id)
    if stack.supervisor.is_alive:
        process.ask_to_stop(stack.supervisor)
    else:
        for replica in stack.replicas:
            process.ask_to_stop(replica.process)
    deadline = time.monotonic() + _STOP_DEADLINE_S
    while stack is not None and stack.is_alive and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        stack = folder.read_stack()
    for replica in stack.replicas if stack is not None else ():
        process.kill(replica.process)
    return True


def _supervise(folder: RunFolder, secrets: Mapping[str, str]) -> None:
    command = (sys.executable, "-m", "drcli.launch.supervisor", str(folder.path), str(folder.logs))
    process.spawn(command, secrets, folder.supervisor_log)


def _wait_for_state(folder: RunFolder, instead_of: Stack | None = None) -> None:
    before = instead_of.supervisor if instead_of is not None else None
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline:
        stack = folder.read_stack()
        if stack is not None and stack.supervisor != before and stack.state != "starting":
            return
        time.sleep(_POLL_S)
    raise DrError("The stack did not start.", f"Its supervisor's log is {folder.supervisor_log}.")


def _set_aside(folder: RunFolder) -> None:
    """Keep the logs of the run before as <service>.log.1."""
    folder.logs.mkdir(parents=True, exist_ok=True)
    for log in folder.logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
