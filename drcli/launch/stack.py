"""A process stack from outside: start it, look at it, stop it. Commands call this; all state is in the run folder."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from drcli.errors import DrError
from drcli.launch import process
from drcli.launch.plan import KINDS, Kind, Plan
from drcli.launch.processes.run_folder import RunFolder, Stack
from drcli.launch.processes.supervisor import Supervisor
from drcli.local import ProcessRef, exclusive
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


@contextmanager
def claim(workspace: Workspace, kind: Kind, run_id: int, prefix: str) -> Iterator[None]:
    """Hold a run while its documents are written and it is started: of two commands at once, one waits.

    Raises:
        DrError: the run is under way, or another one trains the model `prefix`.
    """
    with exclusive(RunFolder.of(workspace, kind, run_id).lock):
        check_not_running(workspace, kind, run_id)
        for other in running(workspace) if kind == "training" else ():
            if other.read_plan()["prefix"] == prefix and other.kind == kind:
                raise DrError(
                    f"The run {other.run_id} is training the model {prefix} already.",
                    f"`dr stop-training --set DR_RUN_ID={other.run_id}` ends it; "
                    "a run beside it needs another DR_LOCAL_S3_MODEL_PREFIX.",
                )
        yield


def check_not_running(workspace: Workspace, kind: Kind, run_id: int) -> None:
    """DrError when the run is under way."""
    stack = read(workspace, kind, run_id)
    if stack is not None and stack.is_alive:
        stop = "stop-training" if kind == "training" else "stop-evaluation"
        raise DrError(
            f"The {kind} of run {run_id} is {stack.state} already.",
            f"`dr {stop}` ends it; DR_RUN_ID={run_id + 1} starts another one beside it.",
        )


def is_running(workspace: Workspace, kind: Kind, run_id: int) -> bool:
    """Whether anything of a run is alive."""
    stack = read(workspace, kind, run_id)
    return stack is not None and stack.is_alive


def running(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders of all runs that are under way."""
    for path in sorted(workspace.runs.glob("*/*/state.json")):
        folder = RunFolder(path.parent, workspace.logs / path.parent.relative_to(workspace.runs))
        stack = folder.read_stack()
        if stack is not None and stack.is_alive:
            yield folder


def start(plan: Plan, workspace: Workspace) -> RunFolder:
    """Start the stack, which has to be claimed. Returns once its services are started; they may not be ready yet."""
    folder = RunFolder.of(workspace, plan.kind, plan.run_id)
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    _set_aside(folder)
    folder.write_plan(plan)
    _supervise(folder, plan.secrets)
    return folder


def read(workspace: Workspace, kind: Kind, run_id: int) -> Stack | None:
    """The stack of a run as its run folder has it; None when nothing was ever started."""
    return RunFolder.of(workspace, kind, run_id).read_stack()


def revive(workspace: Workspace, kind: Kind, run_id: int, secrets: Mapping[str, str]) -> None:
    """Give a stack whose supervisor was killed a new one, which takes over what still runs."""
    folder = RunFolder.of(workspace, kind, run_id)
    with exclusive(folder.lock):
        stack = folder.read_stack()
        if stack is not None and stack.is_orphan:
            _supervise(folder, secrets)


def revive_abandoned(workspace: Workspace, run_id: int, secrets: Mapping[str, str]) -> list[Kind]:
    """Revive what goes on, or has ended, without a supervisor. What was killed as a whole stays dead."""
    revived: list[Kind] = []
    for kind in KINDS:
        folder = RunFolder.of(workspace, kind, run_id)
        stack = folder.read_stack()
        if stack is not None and stack.is_orphan and (stack.is_alive or folder.has_ended(stack)):
            revive(workspace, kind, run_id, secrets)
            revived.append(kind)
    return revived


def stop(workspace: Workspace, kind: Kind, run_id: int) -> bool:
    """End a run in good order and wait for it; False when it was not running. Idempotent."""
    folder = RunFolder.of(workspace, kind, run_id)
    stack = folder.read_stack()
    if stack is None or not stack.is_alive:
        return False
    deadline, asked = time.monotonic() + _STOP_DEADLINE_S, False
    while stack is not None and stack.is_alive and time.monotonic() < deadline:
        if stack.is_orphan:
            _stop_orphan(folder)
        elif not asked:
            process.ask_to_stop(stack.supervisor)
            asked = True
        time.sleep(_POLL_S)
        stack = folder.read_stack()
    for replica in stack.replicas if stack is not None else ():
        process.kill(replica.process)
    return True


def _stop_orphan(folder: RunFolder) -> None:
    """Do the part of the supervisor that was killed."""
    with exclusive(folder.lock):
        supervisor = Supervisor(folder)
        supervisor.request_stop()
        supervisor.take_over()
    supervisor.run()


def _supervise(folder: RunFolder, secrets: Mapping[str, str]) -> None:
    """Start a supervisor and wait until it has taken charge. DrError when it does not."""
    command = (sys.executable, "-m", "drcli.launch.processes.supervisor", str(folder.path), str(folder.logs))
    supervisor = process.spawn(command, secrets, folder.supervisor_log)
    deadline = time.monotonic() + _START_DEADLINE_S
    while supervisor.is_alive and time.monotonic() < deadline:
        if _is_in_charge(supervisor, folder):
            return
        time.sleep(_POLL_S)
    if not _is_in_charge(supervisor, folder):
        process.kill(supervisor)
        said = folder.supervisor_log.read_text(errors="replace").splitlines()[-1:]
        raise DrError(
            ": ".join(["The stack did not start", *said]), f"Its supervisor's log is {folder.supervisor_log}."
        )


def _is_in_charge(supervisor: ProcessRef, folder: RunFolder) -> bool:
    stack = folder.read_stack()
    return stack is not None and stack.supervisor.pid == supervisor.pid and stack.state != "starting"


def _set_aside(folder: RunFolder) -> None:
    """Keep the logs of the run before as <service>.log.1."""
    folder.logs.mkdir(parents=True, exist_ok=True)
    for log in folder.logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
