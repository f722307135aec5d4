"""Supervises the processes of one run: starts its services, restarts crashed ones, stops all at the end.

`python -m drcli.launch.processes.supervisor RUN_FOLDER LOG_FOLDER`. It can take over a run whose supervisor was killed.
It gets secrets in its environment and passes them on to the services.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from drcli import env
from drcli.contract import exit_codes
from drcli.contract.run_name import replica_name
from drcli.launch import local_process
from drcli.launch.processes.process_folder import ProcessFolder, ScaleRequest, ServiceProcess, SupervisedRun
from drcli.launch.processes.process_plan import ProcessPlan, Service
from drcli.launch.processes.store_keeper import StoreKeeper
from drcli.launch.service_errors import last_exception, last_words
from drcli.local import ProcessRef

POLL_S = 0.1
MAX_RESTARTS = 5  # of one process, unless it ran for QUIET_S in between
QUIET_S = 120.0
TRAINER_GRACE_S = 90.0  # a stopping trainer still writes its last checkpoint
GRACE_S = 10.0


class Supervisor:
    """The supervisor of the run in one run folder. `loaded`: modules that services can be forked with."""

    def __init__(self, folder: ProcessFolder, loaded: frozenset[str] = frozenset()) -> None:
        self._folder = folder
        self._loaded = loaded
        self._plan = ProcessPlan.from_document(folder.read_plan(), {})
        self._services = {service.name: service for service in self._plan.services}
        self._main = self._plan.main  # when this service ends, the run has ended
        self._store = StoreKeeper(self._plan.store, log) if self._plan.store else None
        self._stop_requested = False
        self._started: dict[str, float] = {}
        self._request: ScaleRequest | None = None  # the last request that was fulfilled
        before, me = folder.read_state(), ProcessRef.of(os.getpid())
        self._run = SupervisedRun("starting", me, time.time())
        if before is not None and not before.is_over:
            self._run = replace(before, supervisor=me)

    def request_stop(self) -> None:
        """Stop the run gracefully."""
        self._stop_requested = True

    def take_over(self) -> None:
        """Record that this process supervises the run from now on."""
        self._keep()

    def run(self) -> None:
        """Supervise the run until it has ended, successfully or not."""
        self.take_over()
        if self._run.state == "starting":
            self._start()
        while self._run.state == "running" and not self._stop_requested:
            time.sleep(POLL_S)
            local_process.reap()
            self._look_after()
            if self._run.state == "running" and not self._stop_requested:
                self._scale()
        if not self._run.is_over:
            self._end("failed" if self._run.message else "ended")

    def _start(self) -> None:
        """Start the services that are not running yet; a killed supervisor may have started some."""
        for service in self._plan.services:
            self._add(service, service.replicas)
        self._keep(state="running")

    def _add(self, service: Service, wanted: int) -> None:
        """Start the missing ones of the first `wanted` replicas."""
        there = {replica.name for replica in self._run.replicas}
        for index in range(wanted):
            if replica_name(service.name, index) not in there and not self._stop_requested:
                self._keep(replicas=(*self._run.replicas, self._spawn(service, index)))

    def _scale(self) -> None:
        """Fulfil a new request for more or fewer replicas; a replica that has ended counts as missing."""
        request = self._folder.read_request()
        if request is None or request == self._request:
            return
        for name, wanted in request.replicas.items():
            if name not in self._services:
                continue
            surplus = {r.name: r for r in self._run.replicas if r.service == name and r.index >= wanted}
            if surplus:
                log(f"Scaling {name} down to {wanted}.")
            self._stop(surplus.values(), GRACE_S)
            stays = [
                r
                for r in self._run.replicas
                if r.service != name or (r.name not in surplus and not self._has_ended(r))
            ]
            self._keep(replicas=tuple(stays))
            self._add(self._services[name], wanted)
        self._request = request

    def _has_ended(self, replica: ServiceProcess) -> bool:
        is_gone = not replica.process.is_alive and self._folder.exit_code(replica.name) == 0
        return replica.exit_code is not None or is_gone

    def _look_after(self) -> None:
        self._look_after_store()
        for replica in self._run.replicas:
            if replica.exit_code is not None or replica.process.is_alive:
                continue
            code = self._folder.exit_code(replica.name)
            if code == 0:
                self._keep(self._run.replica(replica, exit_code=0))
                if replica.service == self._main:
                    self._end("ended")
            elif code == exit_codes.USER_ERROR:
                self._fail(self._run.replica(replica, exit_code=code), replica)
            else:
                self._restart(replica)
            if self._run.state != "running":
                return

    def _look_after_store(self, *, now: bool = False) -> None:
        if self._store is not None:
            self._store.look(now=now)

    def _restart(self, replica: ServiceProcess) -> None:
        quiet = time.monotonic() - self._started.get(replica.name, 0.0) > QUIET_S
        restarts = 1 if quiet else replica.restarts + 1
        if restarts > MAX_RESTARTS:
            self._fail(self._run.replica(replica, exit_code=1), replica)
            return
        self._look_after_store(now=True)  # a service that starts without a store exits
        log(f"{replica.name} crashed; restart {restarts} of {MAX_RESTARTS}.")
        again = self._spawn(self._services[replica.service], replica.index)
        self._keep(self._run.replica(replica, process=again.process, restarts=restarts))

    def _fail(self, run: SupervisedRun, culprit: ServiceProcess) -> None:
        path = self._folder.log(culprit.name)
        said = _last_lines(path)
        message, hint = last_words(said)
        if not message:
            message = f"{culprit.name} keeps crashing{last_exception(said)}."
            hint = f"`dr logs {culprit.service}` shows more."
        self._keep(replace(run, message=message, hint=hint))
        self._end("failed")

    def _end(self, state: str) -> None:
        """Stop all services, the trainer first: it ends the workers' connections and writes its last checkpoint."""
        self._keep(state="stopping")
        first = [r for r in self._run.replicas if r.service == self._main]
        rest = [r for r in self._run.replicas if r.service != self._main]
        self._stop(first, TRAINER_GRACE_S)
        self._stop(rest, GRACE_S)
        self._keep(state=state)

    def _stop(self, replicas: Iterable[ServiceProcess], grace_s: float) -> None:
        unfinished = [replica for replica in replicas if replica.exit_code is None]
        for replica in unfinished:
            local_process.ask_to_stop(replica.process)
        deadline = time.monotonic() + grace_s
        while any(r.process.is_alive for r in unfinished) and time.monotonic() < deadline:
            time.sleep(POLL_S)
            local_process.reap()
            self._look_after_store()  # the last checkpoint goes there
        local_process.reap()  # the last to end must not outlast the supervisor as zombies
        for replica in unfinished:
            local_process.kill(replica.process)
            code = self._folder.exit_code(replica.name)
            self._keep(
                self._run.replica(replica, exit_code=0 if code in (None, exit_codes.ASKED_TO_STOP) else code)
            )

    def _spawn(self, service: Service, index: int) -> ServiceProcess:
        replica = ServiceProcess(service.name, index, ProcessRef(0, 0.0))
        exit_file = self._folder.exit_file(replica.name)
        exit_file.unlink(missing_ok=True)
        environment = {
            **service.environment,
            env.ROLLOUT_IDX: str(index),
            env.DR_EXIT_FILE: str(exit_file),
            env.DR_REWARD_LOG_DIR: str(self._folder.logs),
            env.DR_CAMERA_FILE: str(self._folder.camera_file(replica.name)),
        }
        module, log = service.command[-1], self._folder.log(replica.name)
        started = (
            local_process.fork(module, environment, log)
            if module in self._loaded
            else local_process.spawn(service.command, environment, log)
        )
        self._started[replica.name] = time.monotonic()
        if self._store is not None:
            self._store.add_user(started)
        return replace(replica, process=started)

    def _keep(self, run: SupervisedRun | None = None, **changes: object) -> None:
        self._run = replace(run or self._run, **changes)  # type: ignore[arg-type]
        try:
            self._folder.write_state(self._run)
        except OSError as error:  # a full disk must not end the supervision
            log(f"The state of the run cannot be written: {error}")


def _last_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()[-200:]
    except OSError:
        return []


def log(text: str) -> None:
    """Write a line to the supervisor's log."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


def supervise(folder: ProcessFolder, loaded: frozenset[str] = frozenset()) -> None:
    """Supervise the run of a run folder until it has ended. `loaded`: modules of services, to be forked."""
    supervisor = Supervisor(folder, loaded)
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: supervisor.request_stop())
    supervisor.run()


if __name__ == "__main__":
    supervise(ProcessFolder(Path(sys.argv[1]), Path(sys.argv[2])))
