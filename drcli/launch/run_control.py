"""One door to the stacks of all styles: claim, start, read, stop, scale, logs. Commands call this.

The run folder knows what was started, and with it the style, whatever run.env says meanwhile; what is running is
asked where it runs: processes by their supervisor's book, containers by their labels.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from drcli.errors import DrError, UsageError
from drcli.launch.plan import KINDS, Kind, Plan
from drcli.launch.processes import launcher as processes
from drcli.launch.processes.run_folder import RunFolder
from drcli.launch.stack_view import StackView
from drcli.local import lock
from drcli.paths import Workspace


class Launcher(Protocol):
    """What the three styles have in common. All find a stack by its run folder."""

    def check(self, plan: Plan, workspace: Workspace) -> None:
        """DrError when the stack cannot start here; touches nothing."""

    def start(self, plan: Plan, folder: RunFolder) -> None:
        """Start all services; they may not be ready yet. DrError, and nothing left behind, when that fails."""

    def read(self, folder: RunFolder) -> StackView | None:
        """The stack as it is; None when nothing was ever started."""

    def stop(self, folder: RunFolder) -> None:
        """End it in good order, wait for it, take it away; its logs stay."""

    def scale(self, folder: RunFolder, replicas: int) -> None:
        """Change the number of workers and wait until they are there."""

    def log(
        self, folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None
    ) -> Iterator[str]:
        """The last `tail` lines of one replica's log (0: all); with `goes_on` also those that come."""


def launcher(style: str) -> Launcher:
    """The launcher of a style; Docker's are imported when they are wanted."""
    if style == "process":
        return processes.ProcessLauncher()
    from drcli.launch.docker.compose import ComposeLauncher
    from drcli.launch.docker.swarm import SwarmLauncher

    return ComposeLauncher() if style == "compose" else SwarmLauncher()


@contextmanager
def claim(
    workspace: Workspace, kind: Kind, run_id: int, prefix: str, style: str = "process"
) -> Iterator[None]:
    """Hold a run while its documents are written and it is started: of two commands at once, one waits.

    In containers also against other workspaces, as all use the one engine; there nobody waits.

    Raises:
        DrError: the run is under way, another one trains the model `prefix`, or another workspace starts it now.
    """
    folder = RunFolder.of(workspace, kind, run_id)
    with lock(folder.lock), _engine_wide(folder.project, style):
        check_not_running(workspace, kind, run_id)
        for other in running(workspace) if kind == "training" else ():
            if other.read_plan()["prefix"] == prefix and other.kind == kind:
                raise DrError(
                    f"The run {other.run_id} is training the model {prefix} already.",
                    f"`dr stop-training --set DR_RUN_ID={other.run_id}` ends it; "
                    "a run beside it needs another DR_LOCAL_S3_MODEL_PREFIX.",
                )
        yield


def _engine_wide(project: str, style: str) -> AbstractContextManager[None]:
    if style == "process":
        return nullcontext()
    from drcli.launch.docker.claim import claimed

    return claimed(project)


def check_not_running(workspace: Workspace, kind: Kind, run_id: int) -> None:
    """DrError when the run is under way."""
    seen = read(workspace, kind, run_id)
    if seen is not None and seen.is_alive:
        stop = "stop-training" if kind == "training" else "stop-evaluation"
        message = f"The {kind} of run {run_id} is {seen.state} already."
        if seen.is_over:
            message = f"The {kind} of run {run_id} has {seen.state}, and parts of it still run."
        raise DrError(message, f"`dr {stop}` ends it; DR_RUN_ID={run_id + 1} starts another one beside it.")


def is_running(workspace: Workspace, kind: Kind, run_id: int) -> bool:
    """Whether anything of a run is alive."""
    seen = read(workspace, kind, run_id)
    return seen is not None and seen.is_alive


def folders(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders of all runs that were ever started."""
    for path in sorted(workspace.runs.glob("*/*/plan.json")):
        yield RunFolder(path.parent, workspace.logs / path.parent.relative_to(workspace.runs))


def running(workspace: Workspace) -> Iterator[RunFolder]:
    """The folders of all runs that are under way."""
    for folder in folders(workspace):
        seen = _launcher_of(folder).read(folder)
        if seen is not None and seen.is_alive:
            yield folder


def start(plan: Plan, workspace: Workspace) -> RunFolder:
    """Start the stack, which has to be claimed. Returns once its services are started; they may not be ready yet."""
    folder = RunFolder.of(workspace, plan.kind, plan.run_id)
    if folder.exists:
        _launcher_of(folder).stop(folder)  # what is left of a run that has ended
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    _set_aside(folder)
    folder.write_plan(plan)
    launcher(plan.style).start(plan, folder)
    return folder


def read(workspace: Workspace, kind: Kind, run_id: int) -> StackView | None:
    """The stack of a run; None when nothing was ever started."""
    folder = RunFolder.of(workspace, kind, run_id)
    return _launcher_of(folder).read(folder)


def stop(workspace: Workspace, kind: Kind, run_id: int) -> bool:
    """End a run in good order and wait for it; False when it was not running. Idempotent."""
    folder = RunFolder.of(workspace, kind, run_id)
    seen = read(workspace, kind, run_id)
    if seen is None:
        return False
    _launcher_of(folder).stop(folder)
    return seen.is_alive


def scale(workspace: Workspace, run_id: int, replicas: int) -> None:
    """Change the number of workers of a running training. DrError when none is running."""
    folder = RunFolder.of(workspace, "training", run_id)
    if not is_running(workspace, "training", run_id):
        raise DrError(f"No training of run {run_id} is running.", "`dr start-training` starts one.")
    if replicas < 1:
        raise UsageError("A training needs a worker.", "`dr stop-training` ends it.")
    with lock(folder.lock):
        _launcher_of(folder).scale(folder, replicas)


def log(folder: RunFolder, name: str, tail: int, goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """Lines of one replica's log. DrError when there is none."""
    return _launcher_of(folder).log(folder, name, tail, goes_on)


def revive(workspace: Workspace, kind: Kind, run_id: int, secrets: Mapping[str, str]) -> None:
    """Give a process stack whose supervisor was killed a new one."""
    processes.revive(RunFolder.of(workspace, kind, run_id), secrets)


def revive_abandoned(workspace: Workspace, run_id: int, secrets: Mapping[str, str]) -> list[Kind]:
    """Revive what goes on, or has ended, without a supervisor; Docker looks after containers itself."""
    abandoned = [kind for kind in KINDS if processes.is_abandoned(RunFolder.of(workspace, kind, run_id))]
    for kind in abandoned:
        revive(workspace, kind, run_id, secrets)
    return abandoned


def _launcher_of(folder: RunFolder) -> Launcher:
    return launcher(str(folder.read_plan().get("style", "process")) if folder.exists else "process")


def _set_aside(folder: RunFolder) -> None:
    """Keep the logs of the run before as <service>.log.1."""
    folder.logs.mkdir(parents=True, exist_ok=True)
    for log in folder.logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
