"""The process of a sweep: start it, find it, stop it."""

from __future__ import annotations

import sys
import time

from drcli import env
from drcli.errors import DrError
from drcli.launch import run_control
from drcli.local import ProcessRef, lock, spawn
from drcli.paths import Workspace
from drcli.sweep.sweep_folder import SweepFolder, folders

_DEADLINE_S = 300.0
_POLL_S = 0.1


def start(folder: SweepFolder) -> bool:
    """Start the process of a sweep that has not ended; False if it is running already."""
    with lock(folder.lock):
        if folder.process is not None:
            return False
        folder.stop_request.unlink(missing_ok=True)
        command = (sys.executable, "-m", "drcli.sweep.sweep_loop", str(folder.root), folder.name)
        folder.write_process(spawn(command, env.child({}), folder.log))
    return True


def stop(folder: SweepFolder) -> bool:
    """Stop a sweep and its runs gracefully, and wait for that; False if nothing was running. It can be continued.

    Raises:
        DrError: it does not stop.
    """
    process = folder.process
    if process is not None:
        folder.stop_request.touch()
        _wait(process, folder)
    return _stop_runs(folder) or process is not None


def running(workspace: Workspace) -> list[SweepFolder]:
    """The sweeps whose process is running."""
    return [folder for folder in folders(workspace) if folder.process is not None]


def is_over(folder: SweepFolder) -> bool:
    """Whether nothing is left to do."""
    sweep, states = folder.read(), [variant.state for variant in folder.variants()]
    return all(state.is_over for state in states) and len(states) >= (sweep.trials or 0)


def _wait(process: ProcessRef, folder: SweepFolder) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while process.is_alive:
        if time.monotonic() > deadline:
            raise DrError(f"The sweep {folder.name} does not stop.", f"Its log is {folder.log}.")
        time.sleep(_POLL_S)


def _stop_runs(folder: SweepFolder) -> bool:
    """Stop runs that are left over because the sweep's process was killed."""
    workspace = Workspace(folder.root, folder.read().experiment)
    mine = {variant.prefix for variant in folder.variants()}
    left = [run for run in run_control.running(workspace) if run.read_head().prefix in mine]
    return any([run_control.stop(workspace, run.kind, run.run_id) for run in left])
