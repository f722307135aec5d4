"""A supervisor that imports services before it is told what to supervise, and forks them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from drcli.launch import local_process, run_control
from drcli.launch.processes import standby
from drcli.launch.processes.process_folder import ProcessFolder, SupervisedRun
from drcli.launch.processes.process_plan import ProcessPlan
from drcli.local import ProcessRef
from drcli.paths import Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
Until = Callable[..., object]
SERVICE = """
import os, signal, time
IMPORTED_BY = os.getpid()
def main():
    print("imported by", IMPORTED_BY, "secret" if os.environ["TOY_SECRET"] == "s3cret" else "", flush=True)
    if os.environ["TOY"] == "robomaker" and os.path.exists("crash"):
        {}["no"]
    while True: signal.pause()
if __name__ == "__main__":
    main()
"""


@pytest.fixture
def plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_plan: Callable[..., ProcessPlan]
) -> ProcessPlan:
    """Of two services, both of one module."""
    (tmp_path / "toy_service.py").write_text(SERVICE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.chdir(tmp_path)
    made = make_plan(sagemaker="steady", robomaker="steady")
    command = (sys.executable, "-m", "toy_service")
    return replace(made, services=tuple(replace(service, command=command) for service in made.services))


def waiting() -> ProcessRef:
    """The one that waits; supervisors that have ended may be zombies."""
    found = psutil.process_iter(["cmdline", "ppid"])
    ours = [process for process in found if process.info["ppid"] == os.getpid()]
    (one,) = [p.pid for p in ours if "drcli.launch.processes.standby" in (p.info["cmdline"] or ())]
    return ProcessRef.of(one)


def start(
    plan: ProcessPlan, workspace: Workspace, before: Callable[[ProcessRef], object] = lambda _: None
) -> ProcessFolder:
    with standby.waiting(["toy_service"]), run_control.claim(plan, workspace):
        before(waiting())
        return ProcessFolder.at(run_control.start(plan, workspace))


def seen(folder: ProcessFolder) -> SupervisedRun:
    state = folder.read_state()
    assert state is not None
    return state


def logged(folder: ProcessFolder, name: str) -> str:
    """The log of a service; empty before there is one."""
    path = folder.log(name)
    return path.read_text() if path.is_file() else ""


def test_services_are_forked_with_their_imports(
    plan: ProcessPlan, workspace: Workspace, until: Until
) -> None:
    folder = start(plan, workspace)
    run = seen(folder)
    for replica in run.replicas:
        log = f"imported by {run.supervisor.pid} secret\n"
        until(lambda replica=replica, log=log: logged(folder, replica.name) == log)
        process = replica.process.process()
        assert process is not None and "s3cret" not in " ".join(process.cmdline())
        assert (process.name(), os.getsid(process.pid)) == ("toy_service", process.pid)
    before = run.replicas[1].process
    psutil.Process(before.pid).kill()
    until(lambda: seen(folder).replicas[1].process != before)
    until(lambda: logged(folder, "robomaker-1") == 2 * f"imported by {run.supervisor.pid} secret\n")
    assert run_control.stop(workspace, "training", 0)
    assert not [replica for replica in seen(folder).replicas if replica.process.is_alive]


def test_one_that_crashes_leaves_its_traceback(plan: ProcessPlan, workspace: Workspace, until: Until) -> None:
    Path("crash").touch()
    folder = start(plan, workspace)
    until(lambda: seen(folder).is_over)
    assert (seen(folder).state, seen(folder).message) == (
        "failed",
        "robomaker-1 keeps crashing: KeyError: 'no'.",
    )
    assert "toy_service.py" in folder.log("robomaker-1").read_text()


def test_without_it_services_are_programs(plan: ProcessPlan, workspace: Workspace, until: Until) -> None:
    def kill(waiting: ProcessRef) -> None:
        local_process.kill(waiting)
        until(lambda: not waiting.is_alive)

    folder = start(plan, workspace, before=kill)
    for replica in seen(folder).replicas:
        until(lambda replica=replica: f"imported by {replica.process.pid}" in logged(folder, replica.name))


def test_it_is_dismissed_when_the_checks_fail() -> None:
    with pytest.raises(RuntimeError), standby.waiting(["json"]):
        one = waiting()
        raise RuntimeError
    assert not one.is_alive
    assert standby.take_over(ProcessFolder(Path(), Path()), {}) is None


def test_a_module_that_cannot_be_imported_says_so_in_its_own_log(
    plan: ProcessPlan, workspace: Workspace, until: Until, tmp_path: Path
) -> None:
    (tmp_path / "toy_service.py").write_text("import no_such_module")
    folder = start(plan, workspace)
    until(lambda: seen(folder).is_over)
    assert "no_such_module" in seen(folder).message
    assert "No module named" in folder.log("sagemaker").read_text()
