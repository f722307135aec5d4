"""Logs of a run's services and of the store, wherever they are: files of processes, or Docker's."""

from __future__ import annotations

from collections.abc import Iterator

from drcli.config.settings import Settings
from drcli.launch import log_files, run_control
from drcli.launch.plan import Kind
from drcli.launch.processes.run_folder import Replica, RunFolder
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store.access import is_embedded
from drcli.store.server import server_status


def read(
    settings: Settings,
    workspace: Workspace,
    kind: Kind,
    service: str,
    *,
    replica: int = 1,
    tail: int = 0,
    follow: bool = False,
) -> Iterator[str]:
    """The last `tail` lines (0: all) of a service's log; with `follow` also those that come while the run goes on.

    DrError when there is no such log.
    """
    if service == "minio":
        return _store(settings, workspace, tail, follow)
    run_id = settings.run_id
    name = Replica.name_of(service, replica - 1)

    def goes_on() -> bool:
        return run_control.is_running(workspace, kind, run_id)

    return run_control.log(RunFolder.of(workspace, kind, run_id), name, tail, goes_on if follow else None)


def _store(settings: Settings, workspace: Workspace, tail: int, follow: bool) -> Iterator[str]:
    if not is_embedded(settings):
        from drcli.launch.docker import minio

        return minio.log(workspace, tail, follow)
    pid = server_status(workspace).pid
    server = ProcessRef.find(pid) if pid is not None else None
    goes_on = (lambda: server is not None and server.is_alive) if follow else None
    return log_files.read(workspace.store_log, tail, goes_on)
