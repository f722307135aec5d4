"""Reports of a machine: they arrive, wait out a bucket that is unreachable, and never speak for another machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from polling import until

from drcli.cloud import log_sync
from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.log_sync import LogSync, numbered
from drcli.cloud.state_report import AnotherMachine, StateReport, read_state, wait_for_turn
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_config, stop_server

JOB = CloudJob("night", "bucket", "us-east-1", ("start-training",), (), 3.0, False)


def report(bucket: Bucket, tmp_path: Path, said: list[str], machine: str = "i-1") -> StateReport:
    logs = LogSync(bucket, JOB.keys.logs, 1, lambda: {"run.log": tmp_path / "run.log"})
    return StateReport(bucket, JOB, CloudState("installing", machine=machine), (logs,), said.append)


def test_changes_are_reported(bucket: Bucket, tmp_path: Path) -> None:
    made = report(bucket, tmp_path, [])
    made.start(every_s=600.0)  # a change does not wait for the next report
    until(lambda: read_state(bucket, JOB))
    made.change(phase="running")
    until(lambda: (seen := read_state(bucket, JOB)) and seen.phase == "running")
    (tmp_path / "run.log").write_text("done\n")
    assert made.end(5.0, phase="ended", exit_code=0)
    seen = read_state(bucket, JOB)
    assert seen is not None and (seen.phase, seen.exit_code, seen.machine) == ("ended", 0, "i-1")
    assert bucket.get(JOB.keys.logs + "run.log") == b"done\n"


@pytest.fixture
def away(workspace: Workspace, free_port: int) -> Iterator[Bucket]:
    """A bucket whose server does not run."""
    ensure_server(workspace, free_port, "bucket")
    stop_server(workspace)
    yield Bucket(server_config(workspace, free_port, "bucket"))


def test_the_network_is_gone_for_a_while(
    away: Bucket, workspace: Workspace, free_port: int, tmp_path: Path
) -> None:
    said: list[str] = []
    made = report(away, tmp_path, said)
    assert not made.report() and not made.report()
    assert len(said) == 1 and "unreachable" in said[0] and "The run continues" in said[0]
    ensure_server(workspace, free_port, "bucket")
    assert made.report()
    assert said[1:] == ["The bucket is reachable again."]
    assert read_state(away, JOB) == made.state


def test_a_report_that_cannot_be_made(away: Bucket, tmp_path: Path) -> None:
    assert not report(away, tmp_path, []).end(0.0, phase="ended")


def test_another_machine_has_taken_over(bucket: Bucket, tmp_path: Path) -> None:
    said: list[str] = []
    made = report(bucket, tmp_path, said)
    assert made.report()
    other = CloudState("running", machine="i-2", updated_at=time.time())
    bucket.put(JOB.keys.state, other.to_json())
    assert not made.report() and made.is_replaced.is_set() and not made.end(5.0, phase="ended")
    assert read_state(bucket, JOB) == other
    assert said == ["Another machine, i-2, has taken over the job night."]


@pytest.mark.parametrize(
    "state",
    [
        None,
        CloudState("starting"),
        CloudState("running", machine="i-1", updated_at=time.time()),
        CloudState("interrupted", machine="i-2", updated_at=time.time()),
        CloudState("running", machine="i-2", updated_at=time.time() - 3600),
    ],
    ids=["never run", "starting", "its own", "interrupted", "silent"],
)
def test_the_job_is_free(bucket: Bucket, state: CloudState | None) -> None:
    if state is not None:
        bucket.put(JOB.keys.state, state.to_json())
    wait_for_turn(bucket, JOB, "i-1", silent_s=3600.0, patience_s=0.0)


def test_a_silent_machine_is_gone_a_living_one_is_not(bucket: Bucket) -> None:
    state = CloudState("running", machine="i-2", updated_at=time.time())
    bucket.put(JOB.keys.state, state.to_json())
    wait_for_turn(bucket, JOB, "i-1", silent_s=0.2, patience_s=60.0)
    bucket.put(JOB.keys.state, replace(state, updated_at=time.time()).to_json())
    with pytest.raises(AnotherMachine, match="i-2, is doing the job night"):
        wait_for_turn(bucket, JOB, "i-1", silent_s=3600.0, patience_s=-1.0)


def test_logs_of_each_machine_have_a_name(bucket: Bucket, tmp_path: Path) -> None:
    assert (numbered("run.log", 1), numbered("run.log", 12)) == ("run.log", "run.12.log")
    assert log_sync.next_number([]) == 1 and not log_sync.has_run(["machine.log", "0-training-rerun.log"])
    assert log_sync.next_number(["machine.log", "machine.2.log", "run.log"]) == 3
    assert log_sync.has_run(["run.2.log"])
    workspace = Workspace(tmp_path)
    log = workspace.logs / "0" / "training" / "sagemaker.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\n")
    logs = LogSync(bucket, JOB.keys.logs, 2, lambda: log_sync.logs_of(workspace))
    logs.sync()
    bucket.put(JOB.keys.logs + "0-training-sagemaker.2.log", b"only changed files are copied again")
    logs.sync()
    assert bucket.get(JOB.keys.logs + "0-training-sagemaker.2.log").startswith(b"only")
    log.write_text("one\ntwo\n")
    logs.sync()
    assert bucket.get(JOB.keys.logs + "0-training-sagemaker.2.log") == b"one\ntwo\n"
    assert log_sync.earlier_logs(bucket, JOB.keys.logs) == ["0-training-sagemaker.2.log"]


def test_of_a_long_log_the_end(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_sync, "MAX_BYTES", 4)
    (tmp_path / "run.log").write_text("begin, end")
    LogSync(bucket, JOB.keys.logs, 1, lambda: {"run.log": tmp_path / "run.log", "no": tmp_path / "no"}).sync()
    assert bucket.get(JOB.keys.logs + "run.log") == b" end"
