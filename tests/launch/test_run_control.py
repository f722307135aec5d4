from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread

import psutil
import pytest

from drcli.config.load import settings_of
from drcli.errors import DrError
from drcli.launch import local_process, run_control
from drcli.launch.plan import Plan
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.launch.processes.process_plan import ProcessPlan
from drcli.paths import Workspace

Until = Callable[..., object]
Started = Callable[..., ProcessFolder]


def test_nothing_was_ever_started(workspace: Workspace) -> None:
    assert run_control.read(workspace, "training", 0) is None
    assert not run_control.stop(workspace, "training", 0)
    run_control.check_not_running(workspace, "training", 0)
    assert list(run_control.running(workspace)) == []
    assert not workspace.data.exists()


def test_start_and_stop(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady", replicas=2)
    seen = run_control.read(workspace, "training", 0)
    assert seen is not None
    assert (seen.state, seen.is_alive, seen.is_orphan) == ("running", True, False)
    assert [replica.name for replica in seen.replicas] == ["sagemaker", "robomaker-1", "robomaker-2"]
    assert [folder.path for folder in run_control.running(workspace)] == [folder.path]
    with pytest.raises(DrError, match="training of run 0 is already running") as caught:
        run_control.check_not_running(workspace, "training", 0)
    assert "dr stop-training" in caught.value.hint and "DR_RUN_ID=1" in caught.value.hint
    until(lambda: all("ready" in folder.log(r.name).read_text() for r in seen.replicas))
    assert run_control.stop(workspace, "training", 0)
    after = run_control.read(workspace, "training", 0)
    assert after is not None
    assert (after.state, after.is_alive) == ("ended", False)
    assert not [r for r in seen.replicas if r.pid is not None and psutil.pid_exists(r.pid)]
    assert not run_control.stop(workspace, "training", 0)


def test_the_logs_of_the_run_before_are_kept(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    until(lambda: "ready" in folder.log("robomaker-1").read_text())
    assert run_control.stop(workspace, "training", 0)
    started(sagemaker="steady")
    assert folder.log("robomaker-1").with_suffix(".log.1").read_text().startswith("ready")
    assert not folder.log("robomaker-1").exists()


def test_runs_side_by_side(started: Started, workspace: Workspace) -> None:
    started(sagemaker="steady", run_id=0, prefix="model")
    started(sagemaker="steady", run_id=1, prefix="model-10")
    started(sagemaker="steady", run_id=0, prefix="model", kind="evaluation")
    with pytest.raises(DrError, match="Run 0 is already training the model model") as caught:
        started(sagemaker="steady", run_id=2, prefix="model")
    assert "DR_LOCAL_S3_MODEL_PREFIX" in caught.value.hint
    assert run_control.stop(workspace, "training", 0)
    assert len(list(run_control.running(workspace))) == 2
    started(sagemaker="steady", run_id=2, prefix="model")


def test_of_two_starts_at_once_one_wins(
    make_plan: Callable[..., ProcessPlan], workspace: Workspace, until: Until
) -> None:
    plan, barrier = make_plan(sagemaker="steady"), Barrier(3)
    won: list[int] = []
    refused: list[str] = []

    def start(number: int) -> None:
        barrier.wait()
        try:
            with run_control.claim(plan, workspace):
                run_control.start(plan, workspace)
            won.append(number)
        except DrError as error:
            refused.append(error.message)

    threads = [Thread(target=start, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert refused == ["The training of run 0 is already running."] * 2


def test_a_stack_that_cannot_start_says_why(
    make_plan: Callable[..., ProcessPlan], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessPlan, "document", Plan.document)  # without its services
    with pytest.raises(DrError, match="The stack did not start: KeyError: 'services'") as caught:
        run_control.start(make_plan(sagemaker="steady"), workspace)
    assert "supervisor.log" in caught.value.hint
    assert run_control.read(workspace, "training", 0) is None


def kill_supervisor(folder: ProcessFolder, until: Until) -> None:
    seen = folder.read_state()
    assert seen is not None
    local_process.kill(seen.supervisor)
    until(lambda: not seen.supervisor.is_alive)


def test_a_new_supervisor_takes_over(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    before = folder.read_state()
    kill_supervisor(folder, until)
    assert run_control.read(workspace, "training", 0).is_orphan  # type: ignore[union-attr]
    assert run_control.revive(workspace, 0, settings_of({})) == ["training"]
    assert run_control.revive(workspace, 0, settings_of({})) == []
    after = folder.read_state()
    assert before is not None and after is not None
    assert after.replicas == before.replicas
    assert after.supervisor != before.supervisor and after.supervisor.is_alive
    local_process.kill(after.replicas[1].process)
    until(lambda: (folder.read_state() or after).replicas[1].restarts == 1)


def test_stop_without_a_supervisor(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    until(lambda: "ready" in folder.log("sagemaker").read_text())
    kill_supervisor(folder, until)
    assert run_control.stop(workspace, "training", 0)
    after = run_control.read(workspace, "training", 0)
    assert after is not None
    assert (after.state, after.is_alive, after.is_orphan) == ("ended", False, False)
    assert "asked to stop" in folder.log("sagemaker").read_text()


def test_an_end_that_nobody_saw_is_noted(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    until(lambda: "ready" in folder.log("sagemaker").read_text())
    seen = folder.read_state()
    assert seen is not None
    kill_supervisor(folder, until)
    for replica in seen.replicas:
        local_process.ask_to_stop(replica.process)
    until(lambda: not any(replica.process.is_alive for replica in seen.replicas))
    assert run_control.revive(workspace, 0, settings_of({})) == ["training"]
    until(lambda: folder.read_state().state == "ended")  # type: ignore[union-attr]


def test_what_was_killed_as_a_whole_stays_dead(started: Started, workspace: Workspace, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    seen = folder.read_state()
    assert seen is not None
    kill_supervisor(folder, until)
    for replica in seen.replicas:
        local_process.kill(replica.process)
    until(lambda: not any(replica.process.is_alive for replica in seen.replicas))
    assert run_control.revive(workspace, 0, settings_of({})) == []
    assert not run_control.stop(workspace, "training", 0)
    run_control.check_not_running(workspace, "training", 0)
    started(sagemaker="steady")


def test_a_damaged_run_folder_is_as_none(workspace: Workspace, tmp_path: Path) -> None:
    folder = ProcessFolder.of(workspace, "training", 0)
    folder.path.mkdir(parents=True)
    (folder.path / "state.json").write_text('{"state": "run')
    assert run_control.read(workspace, "training", 0) is None
    assert not run_control.stop(workspace, "training", 0)
