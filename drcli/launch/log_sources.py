"""Logs of a run's services and of the store, in any style: log files of processes, or Docker's logs."""

from __future__ import annotations

from collections.abc import Iterator

from drcli.config.settings import Settings
from drcli.contract.run_name import WORKER, RunKind, replica_name
from drcli.errors import DrError
from drcli.launch import log_files, run_control
from drcli.launch.launcher import launcher_of
from drcli.launch.run_folder import RunFolder
from drcli.paths import Workspace


def read(
    settings: Settings,
    workspace: Workspace,
    kind: RunKind,
    service: str,
    *,
    replica: int = 1,
    tail: int = 0,
    follow: bool = False,
) -> Iterator[str]:
    """The last `tail` lines (0: all) of a service's log; with `follow`, new lines for as long as the run lasts.

    Raises DrError if the log does not exist.
    """
    if service == "minio":
        return launcher_of(settings.docker_style).own_store.log(workspace, tail, follow=follow)
    run_id = settings.run_id

    def goes_on() -> bool:
        return run_control.is_running(workspace, kind, run_id)

    folder, name = RunFolder.of(workspace, kind, run_id), replica_name(service, replica - 1)
    return run_control.log(folder, name, tail, goes_on if follow else None)


def read_rewards(
    settings: Settings, workspace: Workspace, replica: int, *, tail: int = 0, follow: bool = False
) -> Iterator[str]:
    """The same of what the reward function printed in a worker of the training, which all styles but a swarm keep.

    Raises DrError if there is none.
    """
    run_id = settings.run_id
    path = RunFolder.of(workspace, "training", run_id).reward_log(replica_name(WORKER, replica - 1))
    if not path.is_file():
        raise DrError(
            f"There is no log of rewards {path}.",
            "Nothing was printed, or no training has run yet. In a swarm some of it is in `dr logs robomaker`.",
        )
    return log_files.read(
        path, tail, (lambda: run_control.is_running(workspace, "training", run_id)) if follow else None
    )
