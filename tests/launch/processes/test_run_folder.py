from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from drcli.launch.processes.run_folder import Replica, RunFolder, Stack
from drcli.local import ProcessRef
from drcli.paths import Workspace

ME, GONE = ProcessRef.of(os.getpid()), ProcessRef(2**22 + 1, 0.0)
TRAINER, WORKER = Replica("sagemaker", 0, ME), Replica("robomaker", 1, GONE)


def test_a_stack_is_read_as_it_was_written(workspace: Workspace) -> None:
    folder = RunFolder.of(workspace, "evaluation", 7)
    assert (folder.kind, folder.run_id) == ("evaluation", 7)
    assert folder.read_stack() is None
    stack = Stack("running", ME, 12.5, (TRAINER, replace(WORKER, restarts=2, exit_code=3)), "m", "h")
    folder.write_stack(stack)
    assert folder.read_stack() == stack
    assert stat.S_IMODE((folder.path / "state.json").stat().st_mode) == 0o600


def test_names() -> None:
    assert (TRAINER.name, WORKER.name) == ("sagemaker", "robomaker-2")


@pytest.mark.parametrize(
    ("stack", "is_over", "is_alive", "is_orphan"),
    [
        (Stack("running", ME, 0.0), False, True, False),
        (Stack("running", GONE, 0.0, (TRAINER, WORKER)), False, True, True),
        (Stack("stopping", GONE, 0.0, (WORKER,)), False, False, True),
        (Stack("ended", ME, 0.0, (replace(TRAINER, exit_code=0),)), True, False, False),
        (Stack("failed", GONE, 0.0), True, False, False),
    ],
)
def test_what_is_alive(stack: Stack, is_over: bool, is_alive: bool, is_orphan: bool) -> None:
    assert (stack.is_over, stack.is_alive, stack.is_orphan) == (is_over, is_alive, is_orphan)


def test_exit_codes(workspace: Workspace) -> None:
    folder = RunFolder.of(workspace, "training", 0)
    folder.write_stack(stack := Stack("running", GONE, 0.0, (TRAINER, WORKER)))
    assert folder.exit_code("sagemaker") is None
    assert not folder.has_ended(stack)
    folder.exit_file("sagemaker").write_text("0")
    assert (folder.exit_code("sagemaker"), folder.has_ended(stack)) == (0, True)
    assert not folder.has_ended(stack.replica(TRAINER, exit_code=0))
