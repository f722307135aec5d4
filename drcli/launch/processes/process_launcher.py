"""The launcher of local processes: starts a supervisor for a run folder, reads its state and stops its services."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

from drcli.config.settings import Settings
from drcli.contract.run_name import WORKER, RunKind
from drcli.errors import DrError, UsageError
from drcli.launch import local_process, log_files, simapp
from drcli.launch.camera_address import CameraAddress, on_loopback, read_port
from drcli.launch.launcher import Launcher, RunRequest
from drcli.launch.machine import Snapshot
from drcli.launch.processes import scaling, standby
from drcli.launch.processes.process_folder import ProcessFolder, ServiceProcess, SupervisedRun
from drcli.launch.processes.process_plan import ProcessPlan, modules_of, plan_processes, secrets_of
from drcli.launch.processes.supervisor import Supervisor
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import ReplicaView, RunView
from drcli.launch.store_access import store_config
from drcli.local import ProcessRef, lock
from drcli.missing_package import install_command
from drcli.paths import Workspace

_START_DEADLINE_S = 180.0  # importing torch for the first time may take a minute
_STOP_DEADLINE_S = 120.0
_POLL_S = 0.05
_LOST = "No process of the run is running any more: they were killed, or the machine was restarted."
_RESUME = "`dr start-training --resume` continues from the last checkpoint."


class ProcessLauncher(Launcher[ProcessPlan]):
    """DR_DOCKER_STYLE=process: no Docker; every service is a supervised process on this machine."""

    def check_settings(self, settings: Settings) -> None:
        """Raises UsageError for engines other than ours, and for event files without TensorBoard."""
        if not simapp.is_ours(settings):
            raise UsageError(
                f"{settings.source('DR_SIMAPP_SOURCE')}: the engine {settings.simapp_source} only runs in containers.",
                "Use DR_DOCKER_STYLE=compose or swarm, or our own engine: "
                f"--set DR_SIMAPP_SOURCE={simapp.ENGINE}",
            )
        if settings.tensorboard and find_spec("tensorboard") is None:
            raise UsageError(
                f"{settings.source('DR_TENSORBOARD')}: DR_TENSORBOARD=True needs the package tensorboard.",
                f"`{install_command('tensorboard')}` installs it.",
            )

    def begin_early(self, kind: RunKind) -> AbstractContextManager[None]:
        """A supervisor imports what the services of the run need."""
        return standby.waiting(modules_of(kind))

    def plan(self, request: RunRequest, snapshot: Snapshot) -> ProcessPlan:
        """The programs and their environment."""
        return plan_processes(request, snapshot)

    def read_plan(self, folder: RunFolder) -> ProcessPlan:
        """The plan without secrets, which are only in the supervisor's environment."""
        return ProcessPlan.from_document(folder.read_plan(), {})

    def describe(self, plan: ProcessPlan) -> list[dict[str, Any]]:
        """The one stack."""
        return [plan.describe()]

    def check(self, plan: ProcessPlan, workspace: Workspace) -> None:
        """Always possible: processes need nothing but this machine."""

    def start(self, plan: ProcessPlan, folder: RunFolder) -> None:
        """Start the supervisor, which starts the services."""
        _supervise(ProcessFolder.at(folder), plan.secrets)

    def read(self, folder: RunFolder) -> RunView | None:
        """The run as recorded by the supervisor."""
        run = ProcessFolder.at(folder).read_state()
        return None if run is None else _view(run)

    def stop(self, folder: RunFolder) -> None:
        """Stop a run gracefully and wait for it."""
        folder = ProcessFolder.at(folder)
        deadline, asked = time.monotonic() + _STOP_DEADLINE_S, False
        run = folder.read_state()
        while run is not None and run.is_alive and time.monotonic() < deadline:
            if run.is_orphan:
                _stop_orphan(folder)
            elif not asked:
                local_process.ask_to_stop(run.supervisor)
                asked = True
            time.sleep(_POLL_S)
            run = folder.read_state()
        for replica in run.replicas if run is not None else ():
            local_process.kill(replica.process)

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Change the number of workers and wait for it."""
        scaling.scale(ProcessFolder.at(folder), WORKER, replicas)

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """Lines of a process's log; with `goes_on`, also new lines while it returns True."""
        return log_files.read(folder.log(name), tail, goes_on)

    def cameras(self, folder: RunFolder) -> tuple[CameraAddress, ...]:
        """The ports that the workers which are running have recorded."""
        folder = ProcessFolder.at(folder)
        run = folder.read_state()
        names = [replica.name for replica in run.replicas if replica.is_alive] if run is not None else []
        ports = ((name, read_port(folder.camera_file(name))) for name in names)
        return tuple(on_loopback(name, port) for name, port in ports if port is not None)

    def revive(self, folder: RunFolder, settings: Settings, workspace: Workspace) -> bool:
        """Start a new supervisor for a run that continued, or ended, without one.

        It takes over the running processes. A run that was killed as a whole is not restarted.
        """
        folder = ProcessFolder.at(folder)
        if not _is_abandoned(folder):
            return False
        secrets = secrets_of(store_config(settings, workspace))
        with lock(folder.lock):
            run = folder.read_state()
            if run is not None and run.is_orphan:
                _supervise(folder, secrets)
        return True


def _is_abandoned(folder: ProcessFolder) -> bool:
    """Whether the run is alive, or has ended, without a supervisor."""
    run = folder.read_state()
    return run is not None and run.is_orphan and (run.is_alive or folder.has_ended(run))


def _view(run: SupervisedRun) -> RunView:
    is_lost = not (run.is_over or run.is_alive)
    return RunView(
        state="lost" if is_lost else run.state,
        replicas=tuple(_replica(replica) for replica in run.replicas),
        message=_LOST if is_lost else run.message,
        hint=_RESUME if is_lost else run.hint,
        is_orphan=run.is_orphan,
    )


def _replica(replica: ServiceProcess) -> ReplicaView:
    return ReplicaView(
        name=replica.name,
        service=replica.service,
        state="running" if replica.is_alive else "ended" if replica.exit_code == 0 else "down",
        restarts=replica.restarts,
        exit_code=replica.exit_code,
        pid=replica.process.pid if replica.is_alive else None,
    )


def _stop_orphan(folder: ProcessFolder) -> None:
    """Stop the run in place of its killed supervisor."""
    with lock(folder.lock):
        supervisor = Supervisor(folder)
        supervisor.request_stop()
        supervisor.take_over()
    supervisor.run()


def _supervise(folder: ProcessFolder, secrets: Mapping[str, str]) -> None:
    """Start a supervisor and wait until it has taken over. Raises DrError if it does not."""
    command = (sys.executable, "-m", "drcli.launch.processes.supervisor", str(folder.path), str(folder.logs))
    supervisor = standby.take_over(folder, secrets)
    if supervisor is None:
        supervisor = local_process.spawn(command, secrets, folder.supervisor_log)
    deadline = time.monotonic() + _START_DEADLINE_S
    while supervisor.is_alive and time.monotonic() < deadline:
        if _is_in_charge(supervisor, folder):
            return
        time.sleep(_POLL_S)
    if not _is_in_charge(supervisor, folder):
        local_process.kill(supervisor)
        log = folder.supervisor_log
        said = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
        raise DrError(": ".join(["The stack did not start", *said]), f"The supervisor's log is {log}.")


def _is_in_charge(supervisor: ProcessRef, folder: ProcessFolder) -> bool:
    run = folder.read_state()
    return run is not None and run.supervisor.pid == supervisor.pid and run.state != "starting"
