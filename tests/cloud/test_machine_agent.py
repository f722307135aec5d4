"""The program of a rented machine, as a process: it trains, is interrupted, continues elsewhere, reports all of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from metadata_standin import MetadataStandin, serving
from polling import until
from rented_machine import PREFIX, RentedJob, assert_nothing_was_lost, guided_workspace, training_job

from drcli.cloud.cloud_job import CloudState
from drcli.cloud.machine_agent import FAILED
from drcli.contract.exit_codes import DONE, INTERRUPTED, TIME_OVER
from drcli.contract.keys import ModelKeys
from drcli.launch import run_control
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, stop_server

CODE = """
import sys
from drcli.cloud.machine_agent import Pace, main
sys.exit(main(sys.argv[1:], Pace(notice=0.1, report=0.3, silent=2.0, turn=1.0, patience=3.0, stop=300.0)))
"""


@contextmanager
def machine(
    rented: RentedJob, metadata: MetadataStandin, folder: Path, *more: str, job_key: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, as the script of a machine starts it."""
    job, folder = rented.job, folder / metadata.instance_id
    folder.mkdir(parents=True)
    words = (job_key or job.keys.job, "--bucket", job.bucket, "--region", job.region)
    words += (
        "--endpoint-url",
        job.endpoint_url or "",
        "--folder",
        str(folder),
        "--log",
        str(folder / "my.log"),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DR_"))}
    environment |= {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.address,
        "AWS_METADATA_SERVICE_TIMEOUT": "30",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3",
    }
    with (folder / "my.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-c", CODE, *words, *more],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield started
        finally:
            if started.poll() is None:
                started.terminate()
                started.wait(300)
            if (root := folder / "workspace").is_dir():
                words = [sys.executable, "-m", "drcli", "stop-all", "-y"]
                subprocess.run(words, cwd=root, env=environment, capture_output=True, check=False)


@contextmanager
def instance(bucket: Bucket, name: str) -> Iterator[MetadataStandin]:
    keys = (bucket.config.access_key or "", bucket.config.secret_key or "")
    with serving(MetadataStandin(name, *keys)) as standin:
        yield standin


def log_of(folder: Path, name: str) -> str:
    return (folder / name / "my.log").read_text()


@pytest.mark.slow
def test_a_machine_is_taken_back_and_another_one_goes_on(bucket: Bucket, tmp_path: Path) -> None:
    rented = training_job(bucket)
    rented.put(guided_workspace(tmp_path / "ws"))
    with instance(bucket, "i-first") as first, machine(rented, first, tmp_path) as running:
        until(lambda: rented.has_taught)
        first.take_back()
        assert running.wait(300) == INTERRUPTED, log_of(tmp_path, "i-first")
    left, state = rented.status, rented.state
    assert state is not None and left is not None
    assert (state.phase, state.machine, state.notice_at is not None) == ("interrupted", "i-first", True)
    assert "takes the machine back" in state.message
    assert "`dr cloud up --resume`" in state.hint
    checkpoints = rented.checkpoints
    assert "stopped with its last checkpoint" in rented.log("machine.log")
    assert rented.log("0-training-sagemaker.log") and rented.log("run.log")

    with instance(bucket, "i-second") as second, machine(rented, second, tmp_path) as running:
        assert running.wait(600) == DONE, log_of(tmp_path, "i-second")
    state, status = rented.state, rented.status
    assert state is not None and status is not None
    assert (state.phase, state.exit_code, state.machine) == ("ended", 0, "i-second")
    assert status.state == "ended" and status.student.startswith("1 of 1 laps")
    assert "start-training --resume" in rented.log("machine.2.log")
    assert_nothing_was_lost(rented, checkpoints, left, status)
    assert rented.log("0-training-sagemaker.log") and rented.log("0-training-sagemaker.2.log")
    assert "hush" not in "".join(rented.log(name) for name in ("machine.log", "run.log", "run.2.log"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "code", "why"),
    [((), INTERRUPTED, "asked to end"), (("--for-s", "4"), TIME_OVER, "2 h of this machine are over")],
)
def test_a_machine_ends_in_good_order_while_its_run_is_still_starting(
    bucket: Bucket, tmp_path: Path, more: tuple[str, ...], code: int, why: str
) -> None:
    rented = training_job(bucket)
    rented.put(guided_workspace(tmp_path / "ws"))
    with instance(bucket, "i-one") as metadata, machine(rented, metadata, tmp_path, *more) as running:
        until(lambda: (seen := rented.state) is not None and seen.phase != "installing")
        if not more:
            running.terminate()
        assert running.wait(600) == code, log_of(tmp_path, "i-one")
    state = rented.state
    assert state is not None and state.phase == "interrupted" and why in state.message
    left = Workspace(tmp_path / "i-one" / "workspace")
    assert list(run_control.running(left)) == []


@pytest.mark.slow
def test_a_sweep_goes_on_elsewhere(bucket: Bucket, tmp_path: Path) -> None:
    rented = training_job(bucket, ("sweep", "speeds.yaml", "-w", "-q"))
    workspace = guided_workspace(tmp_path / "ws")
    (workspace.root / "speeds.yaml").write_text("grid: {seed: [1, 2]}\nat_a_time: 1\n")
    rented.put(workspace)
    first_model, second_model = ModelKeys("speeds-s1"), ModelKeys("speeds-s2")
    with instance(bucket, "i-first") as first, machine(rented, first, tmp_path) as running:
        until(lambda: bool(list_checkpoints(bucket, second_model)) or running.poll() is not None)
        first.take_back()
        assert running.wait(300) == INTERRUPTED, log_of(tmp_path, "i-first")
    done, half = list_checkpoints(bucket, first_model), list_checkpoints(bucket, second_model)
    assert done and half

    with instance(bucket, "i-second") as second, machine(rented, second, tmp_path) as running:
        assert running.wait(600) == DONE, log_of(tmp_path, "i-second") + rented.log("run.2.log")
    assert list_checkpoints(bucket, first_model) == done  # nothing was trained twice
    assert list_checkpoints(bucket, second_model)[-1].number > half[-1].number
    said = rented.log("run.2.log")
    assert "Continuing speeds." in said and "The best is model" in said
    assert "model (x2)" in said


@pytest.mark.slow
def test_the_network_is_gone_for_a_while(workspace: Workspace, free_port: int, tmp_path: Path) -> None:
    there = Bucket(ensure_server(workspace, free_port, "bucket"))
    rented = training_job(there)
    rented.put(guided_workspace(tmp_path / "ws"))
    with instance(there, "i-one") as metadata, machine(rented, metadata, tmp_path) as running:
        until(lambda: (seen := rented.status) is not None and seen.state == "training")
        stop_server(workspace)
        until(lambda: "The run continues; reporting is tried again." in log_of(tmp_path, "i-one"))
        ensure_server(workspace, free_port, "bucket")
        assert running.wait(600) == DONE, log_of(tmp_path, "i-one")
    assert "The bucket is reachable again." in log_of(tmp_path, "i-one")
    state, status = rented.state, rented.status
    assert state is not None and state.phase == "ended"
    assert status is not None and status.student.startswith("1 of 1 laps")


def test_what_is_wrong_with_the_run_is_reported(bucket: Bucket, tmp_path: Path) -> None:
    rented = training_job(bucket)
    workspace = guided_workspace(tmp_path / "ws")
    (workspace.custom_files / "reward_function.py").write_text("def reward_function(params)\n    return 1\n")
    rented.put(workspace)
    with instance(bucket, "i-one") as metadata, machine(rented, metadata, tmp_path) as running:
        assert running.wait(300) == FAILED
    state = rented.state
    assert state is not None and (state.phase, state.exit_code, state.machine) == ("failed", 1, "i-one")
    assert "reward_function.py" in state.message
    assert state.message in rented.log("run.log")
    assert bucket.list(f"{PREFIX}/") == []


def test_a_living_machine_is_not_disturbed(bucket: Bucket, tmp_path: Path) -> None:
    rented = training_job(bucket)
    rented.put(guided_workspace(tmp_path / "ws"))
    far = 4e9  # its clock is wrong, or ours is: it counts as alive while its state changes
    beats = [CloudState("running", message=str(n), updated_at=far, machine="i-other") for n in range(1000)]
    bucket.put(rented.job.keys.state, beats[0].to_json())
    with instance(bucket, "i-new") as metadata, machine(rented, metadata, tmp_path) as running:
        for beat in beats:
            bucket.put(rented.job.keys.state, beat.to_json())
            if running.poll() is not None:
                break
            until(lambda: running.poll() is not None or True, every_s=0.05)
        assert running.wait(300) == FAILED
    said = log_of(tmp_path, "i-new")
    assert "another machine, i-other, has reported running" in said
    assert "this machine has changed nothing" in said
    state = rented.state
    assert state is not None and state.machine == "i-other"
    assert not rented.log("run.log") and not rented.log("machine.log")
