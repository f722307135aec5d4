"""The interface of commands to the runs of all styles: claim, start, read, stop, scale, logs.

The run folder records what was started and in which style, even if run.env changes later. What is running is looked
up at its source: processes in their supervisor's records, containers by their labels.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from drcli.config.settings import Settings
from drcli.contract.run_name import RUN_KINDS, RunKind
from drcli.errors import DrError, UsageError
from drcli.launch import log_files
from drcli.launch.launcher import Launcher, launcher_of
from drcli.launch.plan import Plan
from drcli.launch.run_folder import RunFolder
from drcli.launch.run_view import RunView
from drcli.local import lock
from drcli.paths import Workspace


@contextmanager
def claim(plan: Plan, workspace: Workspace) -> Iterator[None]:
    """Hold a run while its documents are written and it is started; a second command waits.

    Containers are also protected from other workspaces, which use the same engine; there the second command fails.

    Raises:
        DrError: the run is already running, another one trains the same model, or another workspace is starting it.
    """
    folder = RunFolder.of(workspace, plan.kind, plan.run_id)
    with lock(folder.lock), launcher_of(plan.style).claim(plan.project):
        check_not_running(workspace, plan.kind, plan.run_id)
        for other in running(workspace) if plan.kind == "training" else ():
            if other.kind == plan.kind and other.read_head().prefix == plan.prefix:
                raise DrError(
                    f"Run {other.run_id} is already training the model {plan.prefix}.",
                    f"`dr stop-training --set DR_RUN_ID={other.run_id}` stops it; "
                    "a second run needs another DR_LOCAL_S3_MODEL_PREFIX.",
                )
        yield


def check_not_running(workspace: Workspace, kind: RunKind, run_id: int) -> None:
    """Raises DrError if the run is already running."""
    seen = read(workspace, kind, run_id)
    if seen is not None and seen.is_alive:
        stop = "stop-training" if kind == "training" else "stop-evaluation"
        message = f"The {kind} of run {run_id} is already {seen.state}."
        if seen.is_over:
            message = f"The {kind} of run {run_id} has {seen.state}, but parts of it are still running."
        raise DrError(
            message, f"`dr {stop}` stops it; DR_RUN_ID={run_id + 1} starts another one at the same time."
        )


def is_running(workspace: Workspace, kind: RunKind, run_id: int) -> bool:
    """Whether any part of a run is alive."""
    seen = read(workspace, kind, run_id)
    return seen is not None and seen.is_alive


def folders(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders of all runs ever started."""
    for path in sorted(workspace.runs.glob("*/*/plan.json")):
        yield RunFolder(path.parent, workspace.logs / path.parent.relative_to(workspace.runs))


def running(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders of all runs that are currently running."""
    for folder in folders(workspace):
        seen = _launcher_of(folder).read(folder)
        if seen is not None and seen.is_alive:
            yield folder


def begin_early(settings: Settings, kind: RunKind) -> AbstractContextManager[None]:
    """Enter this before the checks of a start, and leave it after the start, or when they have failed."""
    return launcher_of(settings.docker_style).begin_early(kind)


def start(plan: Plan, workspace: Workspace) -> RunFolder:
    """Start a claimed run. Returns once its services are started; they may not be ready yet."""
    folder = RunFolder.of(workspace, plan.kind, plan.run_id)
    if folder.exists:
        _launcher_of(folder).stop(folder)  # remains of an earlier run
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    _set_aside(folder)
    folder.write_plan(plan)
    launcher = launcher_of(plan.style)
    try:
        launcher.start(plan, folder)
    except DrError:
        _end_with_store(folder, workspace)
        raise
    return folder


def read(workspace: Workspace, kind: RunKind, run_id: int) -> RunView | None:
    """The current state of the run; None if nothing was ever started."""
    folder = RunFolder.of(workspace, kind, run_id)
    return _launcher_of(folder).read(folder) if folder.exists else None


def stop(workspace: Workspace, kind: RunKind, run_id: int) -> bool:
    """Stop a run gracefully and wait for it; False if it was not running. Idempotent."""
    folder = RunFolder.of(workspace, kind, run_id)
    seen = read(workspace, kind, run_id)
    if seen is None:
        return False
    _launcher_of(folder).stop(folder)
    _end_with_store(folder, workspace)
    return seen.is_alive


def scale(workspace: Workspace, run_id: int, replicas: int) -> None:
    """Change the number of workers of a running training. Raises DrError if none is running."""
    folder = RunFolder.of(workspace, "training", run_id)
    if not is_running(workspace, "training", run_id):
        raise DrError(f"No training of run {run_id} is running.", "`dr start-training` starts one.")
    if replicas < 1:
        raise UsageError("A training needs at least one worker.", "`dr stop-training` stops the training.")
    with lock(folder.lock):
        _launcher_of(folder).scale(folder, replicas)


def log(folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """Lines of one replica's log. Raises DrError if there is no log."""
    if not folder.exists:
        return log_files.read(folder.log(name), tail)
    return _launcher_of(folder).log(folder, name, tail, goes_on)


def revive(workspace: Workspace, run_id: int, settings: Settings) -> list[RunKind]:
    """Give runs without a supervisor a new one; returns their kinds."""
    started = [folder for kind in RUN_KINDS if (folder := RunFolder.of(workspace, kind, run_id)).exists]
    return [f.kind for f in started if _launcher_of(f).revive(f, settings, workspace)]


def _end_with_store(folder: RunFolder, workspace: Workspace) -> None:
    """The workspace's own store need not serve the run any longer."""
    if folder.read_head().uses_store:
        _launcher_of(folder).own_store.end_run(workspace, folder.project)


def _launcher_of(folder: RunFolder) -> Launcher[Any]:
    """The launcher that started the run of a folder."""
    return launcher_of(folder.read_head().style)


def _set_aside(folder: RunFolder) -> None:
    """Keep the logs of the previous run as <service>.log.1."""
    folder.logs.mkdir(parents=True, exist_ok=True)
    for log in folder.logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
