from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace

import pytest

from drcli.config.load import settings_of
from drcli.errors import DrError
from drcli.launch import local_process, run_control
from drcli.launch.processes import scaling, supervisor
from drcli.launch.processes.process_folder import ProcessFolder, SupervisedRun
from drcli.local import ProcessRef
from drcli.paths import Workspace

Until = Callable[..., object]
Started = Callable[..., ProcessFolder]


def over(folder: ProcessFolder) -> Callable[[], SupervisedRun | None]:
    def look() -> SupervisedRun | None:
        seen = folder.read_state()
        return seen if seen is not None and seen.is_over else None

    return look


def named(folder: ProcessFolder, name: str) -> ProcessRef:
    seen = folder.read_state()
    assert seen is not None
    return next(replica.process for replica in seen.replicas if replica.name == name)


def test_the_run_ends_when_its_main_service_does(started: Started, until: Until) -> None:
    folder = started(sagemaker="done", robomaker="steady", replicas=2)
    seen = until(over(folder))
    assert isinstance(seen, SupervisedRun)
    assert (seen.state, seen.message) == ("ended", "")
    assert [(r.name, r.exit_code) for r in seen.replicas] == [
        ("sagemaker", 0),
        ("robomaker-1", 0),
        ("robomaker-2", 0),
    ]
    assert not seen.is_alive
    assert folder.log("robomaker-2").read_text() == "ready 1 robomaker\nasked to stop\n"


def test_a_killed_worker_is_started_again(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    before = named(folder, "robomaker-1")
    local_process.kill(before)
    until(lambda: named(folder, "robomaker-1") != before and named(folder, "robomaker-1").is_alive)
    seen = folder.read_state()
    assert seen is not None
    assert seen.state == "running"
    assert [replica.restarts for replica in seen.replicas] == [0, 1]
    assert "robomaker-1 crashed; restart 1 of 5." in folder.supervisor_log.read_text()


def test_one_that_keeps_crashing_ends_the_run(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="crash")
    seen = until(over(folder))
    assert isinstance(seen, SupervisedRun)
    assert (seen.state, seen.message) == ("failed", "robomaker-1 keeps crashing: KeyError: 'no'.")
    assert "dr logs robomaker" in seen.hint
    assert folder.log("robomaker-1").read_text().count("ready 0 robomaker\n") == 1 + supervisor.MAX_RESTARTS
    assert "asked to stop" in folder.log("sagemaker").read_text()


def test_what_the_user_has_to_mend_is_not_tried_again(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="wrong")
    seen = until(over(folder))
    assert isinstance(seen, SupervisedRun)
    assert (seen.state, seen.message) == ("failed", "the reward function is wrong\n  line 2")
    assert seen.hint == "fix it"
    assert [replica.restarts for replica in seen.replicas] == [0, 0]


def test_one_that_will_not_stop_is_killed(
    started: Started, workspace: Workspace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_S", 0.2)
    monkeypatch.setattr(supervisor, "TRAINER_GRACE_S", 0.2)
    folder = started(sagemaker="stubborn", robomaker="stubborn")
    until(lambda: "ready" in folder.log("robomaker-1").read_text())
    seen = folder.read_state()
    assert seen is not None
    local_process.kill(seen.supervisor)
    until(lambda: not seen.supervisor.is_alive)
    assert run_control.stop(workspace, "training", 0)  # in this process, so that the grace is ours
    assert not [replica for replica in seen.replicas if replica.process.is_alive]
    assert (folder.read_state() or seen).state == "ended"


def test_secrets_reach_services_in_their_environment_alone(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    for name in ("sagemaker", "robomaker-1"):
        running = named(folder, name).process()
        assert running is not None
        assert running.environ()["TOY_SECRET"] == "s3cret"
        assert "s3cret" not in " ".join(running.cmdline())
    files = [path for path in [*folder.path.iterdir(), *folder.logs.iterdir()] if path.is_file()]
    assert not [path for path in files if b"s3cret" in path.read_bytes()]
    for name in ("plan.json", "state.json"):
        assert stat.S_IMODE((folder.path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("state", ["starting", "stopping"])
def test_a_successor_goes_on_where_a_killed_supervisor_was(
    started: Started, workspace: Workspace, until: Until, state: str
) -> None:
    folder = started(sagemaker="steady", robomaker="steady", replicas=2)
    seen = folder.read_state()
    assert seen is not None
    local_process.kill(seen.supervisor)
    until(lambda: not seen.supervisor.is_alive)
    if state == "starting":  # it had begun with one of three
        for replica in seen.replicas[1:]:
            local_process.kill(replica.process)
        folder.write_state(replace(seen, state="starting", replicas=seen.replicas[:1]))
    else:
        folder.write_state(replace(seen, state="stopping", message="it was wrong"))
    run_control.revive(workspace, 0, settings_of({}))
    if state == "starting":
        after = folder.read_state()
        assert after is not None and after.state == "running"
        assert [replica.is_alive for replica in after.replicas] == [True, True, True]
        assert after.replicas[0].process == seen.replicas[0].process
    else:
        after = until(over(folder))
        assert isinstance(after, SupervisedRun)
        assert (after.state, after.message, after.is_alive) == ("failed", "it was wrong", False)


def alive(folder: ProcessFolder) -> list[str]:
    seen = folder.read_state()
    assert seen is not None
    return [replica.name for replica in seen.replicas if replica.is_alive]


def test_workers_are_added_and_taken_away_while_it_runs(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady")
    first = named(folder, "robomaker-1")
    scaling.scale(folder, "robomaker", 3)
    assert alive(folder) == ["sagemaker", "robomaker-1", "robomaker-2", "robomaker-3"]
    assert named(folder, "robomaker-1") == first
    third = named(folder, "robomaker-3")
    until(lambda: "ready" in folder.log("robomaker-3").read_text())
    scaling.scale(folder, "robomaker", 1)
    assert alive(folder) == ["sagemaker", "robomaker-1"]
    assert not third.is_alive
    assert (
        folder.log("robomaker-3").read_text() == "ready 2 robomaker\nasked to stop\n"
    )  # in good order; logs stay
    scaling.scale(folder, "robomaker", 2)
    assert alive(folder) == ["sagemaker", "robomaker-1", "robomaker-2"]
    seen = folder.read_state()
    assert seen is not None
    assert [(replica.restarts, replica.exit_code) for replica in seen.replicas] == [(0, None)] * 3


def test_one_that_has_ended_is_started_again_when_it_is_asked_for(started: Started, until: Until) -> None:
    folder = started(sagemaker="steady", robomaker="steady", replicas=2)
    until(lambda: "ready" in folder.log("robomaker-2").read_text())
    scaling.scale(folder, "robomaker", 2)
    before = named(folder, "robomaker-2")
    local_process.ask_to_stop(before)  # by somebody else
    until(lambda: not before.is_alive)
    scaling.scale(folder, "robomaker", 2)
    assert alive(folder) == ["sagemaker", "robomaker-1", "robomaker-2"]


def test_a_worker_that_will_not_leave_is_killed(
    started: Started, workspace: Workspace, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_S", 0.2)
    folder = started(sagemaker="steady", robomaker="stubborn", replicas=2)
    until(lambda: "ready" in folder.log("robomaker-2").read_text())
    seen = folder.read_state()
    assert seen is not None
    local_process.kill(seen.supervisor)
    until(lambda: not seen.supervisor.is_alive)
    folder.request_replicas("robomaker", 1)
    successor = supervisor.Supervisor(folder)  # in this process, so that the grace is ours
    successor.take_over()
    successor._scale()
    assert alive(folder) == ["sagemaker", "robomaker-1"]
    until(lambda: not named_in(seen, "robomaker-2").is_alive)  # a kill takes its moment


def named_in(seen: SupervisedRun, name: str) -> ProcessRef:
    return next(replica.process for replica in seen.replicas if replica.name == name)


@pytest.mark.parametrize("wanted", [1, 3])
def test_a_successor_sees_to_the_number_that_was_asked_for(
    started: Started, workspace: Workspace, until: Until, wanted: int
) -> None:
    folder = started(sagemaker="steady", robomaker="steady", replicas=2)
    seen = folder.read_state()
    assert seen is not None
    local_process.kill(seen.supervisor)
    until(lambda: not seen.supervisor.is_alive)
    with pytest.raises(DrError, match="supervisor of the run was killed") as error:
        scaling.scale(folder, "robomaker", wanted)
    assert f"{wanted} workers" in error.value.hint
    run_control.revive(workspace, 0, settings_of({}))
    until(lambda: len(alive(folder)) == 1 + wanted)
    assert named(folder, "robomaker-1") == named_in(seen, "robomaker-1")


def test_what_has_ended_cannot_be_scaled(started: Started, until: Until) -> None:
    folder = started(sagemaker="done", robomaker="steady")
    until(over(folder))
    with pytest.raises(DrError, match="run is ending"):
        scaling.scale(folder, "robomaker", 2)


def test_a_number_that_is_not_reached(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "DEADLINE_S", 0.0)
    folder = started(sagemaker="steady", robomaker="steady")
    monkeypatch.setattr(ProcessFolder, "request_replicas", lambda *_: None)  # it gets lost
    with pytest.raises(DrError, match="There are 1 workers, not 2") as error:
        scaling.scale(folder, "robomaker", 2)
    assert "dr logs robomaker" in error.value.hint
