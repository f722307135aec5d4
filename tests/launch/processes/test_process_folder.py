from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from drcli.launch.processes.process_folder import ProcessFolder, ServiceProcess, SupervisedRun
from drcli.local import ProcessRef
from drcli.paths import Workspace

ME, GONE = ProcessRef.of(os.getpid()), ProcessRef(2**22 + 1, 0.0)
TRAINER, WORKER = ServiceProcess("sagemaker", 0, ME), ServiceProcess("robomaker", 1, GONE)


def test_a_stack_is_read_as_it_was_written(workspace: Workspace) -> None:
    folder = ProcessFolder.of(workspace, "evaluation", 7)
    assert (folder.kind, folder.run_id) == ("evaluation", 7)
    assert folder.read_state() is None
    stack = SupervisedRun("running", ME, 12.5, (TRAINER, replace(WORKER, restarts=2, exit_code=3)), "m", "h")
    folder.write_state(stack)
    assert folder.read_state() == stack
    assert stat.S_IMODE((folder.path / "state.json").stat().st_mode) == 0o600


def test_names() -> None:
    assert (TRAINER.name, WORKER.name) == ("sagemaker", "robomaker-2")


@pytest.mark.parametrize(
    ("stack", "is_over", "is_alive", "is_orphan"),
    [
        (SupervisedRun("running", ME, 0.0), False, True, False),
        (SupervisedRun("running", GONE, 0.0, (TRAINER, WORKER)), False, True, True),
        (SupervisedRun("stopping", GONE, 0.0, (WORKER,)), False, False, True),
        (SupervisedRun("ended", ME, 0.0, (replace(TRAINER, exit_code=0),)), True, False, False),
        (SupervisedRun("failed", GONE, 0.0), True, False, False),
    ],
)
def test_what_is_alive(stack: SupervisedRun, is_over: bool, is_alive: bool, is_orphan: bool) -> None:
    assert (stack.is_over, stack.is_alive, stack.is_orphan) == (is_over, is_alive, is_orphan)


def test_exit_codes(workspace: Workspace) -> None:
    folder = ProcessFolder.of(workspace, "training", 0)
    folder.write_state(stack := SupervisedRun("running", GONE, 0.0, (TRAINER, WORKER)))
    assert folder.exit_code("sagemaker") is None
    assert not folder.has_ended(stack)
    folder.exit_file("sagemaker").write_text("0")
    assert (folder.exit_code("sagemaker"), folder.has_ended(stack)) == (0, True)
    assert not folder.has_ended(stack.replica(TRAINER, exit_code=0))
