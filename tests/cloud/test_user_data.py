"""The script of a rented machine, run for real: in containers of the base image, beside a local S3 server.

The packages of this environment are mounted as those of the machine's Python; drcli comes from the bucket.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from metadata_standin import MetadataStandin, serving
from polling import until
from rented_machine import RentedJob, assert_nothing_was_lost, guided_workspace, training_job

from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.user_data import MAX_BYTES, machine_script, user_data
from drcli.launch.docker import docker_engine, images
from drcli.store.client import Bucket

BASE = os.environ.get("DR_TEST_BASE_IMAGE", "drbase:bookworm")
SHUTDOWN = '#!/bin/sh\necho "$*" >> /out/shutdown\n'
JOB = CloudJob("night shift", "it's mine", "eu-west-1", ("start-training",), ("DR_SEED=1",), 1.5, False)


def test_it_fits_and_holds_no_secret() -> None:
    script = user_data(JOB, "cloud/night/drcli.whl", False)
    assert len(script.encode()) < MAX_BYTES
    assert script.startswith("#!/bin/bash\nBUCKET='it'\"'\"'s mine'\nREGION=eu-west-1\n")
    assert "\nMINUTES=90\n" in script and "\nENDS_MACHINE=yes\n" in script
    assert "SECRET" not in script and "ACCESS_KEY" not in script
    # The end is armed before anything that can hang or fail.
    main = script.rpartition('if [ "$ENDS_MACHINE" = yes ]; then arm_time_to_live; fi\n')
    assert main[0] and "install; fi" in main[2] and "run; fi" in main[2]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("steps", [("install",), ("run",), ("install", "run")])
def test_bash_understands_it(steps: Any, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(machine_script(JOB, "a key", steps=steps))
    done = subprocess.run(
        ["bash", "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def base_image() -> str:
    """An image with the Python of this environment, whose packages it can use."""
    if not images.exists(BASE):
        pytest.skip(f"there is no image {BASE}; DR_TEST_BASE_IMAGE names another")
    said = docker_engine.client().containers.run(BASE, ["python3", "--version"], remove=True)
    own = "{}.{}".format(*sys.version_info)
    if f"Python {own}." not in said.decode():
        pytest.skip(f"{BASE} has {said.decode().strip()}, packages here are those of Python {own}")
    return BASE


@contextmanager
def rented(image: str, script: str, metadata: MetadataStandin, out: Path) -> Iterator[Any]:
    """A machine that has just started, with the script as its user data. `out/shutdown`: when it was turned off."""
    out.mkdir()
    (out / "user-data").write_text(script)
    (out / "turn-off").write_text(SHUTDOWN)
    (out / "turn-off").chmod(0o755)
    packages = "/usr/local/lib/python{}.{}/dist-packages".format(*sys.version_info)
    container = docker_engine.client().containers.run(
        image,
        ["bash", "/out/user-data"],
        detach=True,
        init=True,
        network_mode="host",
        shm_size="256m",
        labels={"drcli-test": "user-data"},
        environment={"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.address, "NUMBA_NUM_THREADS": "1"},
        volumes={
            str(out): {"bind": "/out", "mode": "rw"},
            str(out / "turn-off"): {"bind": "/usr/local/sbin/shutdown", "mode": "ro"},
            sysconfig.get_path("purelib"): {"bind": packages, "mode": "ro"},
        },
    )
    try:
        yield container
    finally:
        container.remove(force=True)


def turned_off(out: Path) -> list[str]:
    """How `shutdown` was called."""
    path = out / "shutdown"
    return path.read_text().splitlines() if path.exists() else []


def has_taught(job: RentedJob, container: Any) -> bool:
    container.reload()
    assert container.status in ("created", "running"), container.logs().decode()
    return job.has_taught


@pytest.mark.docker
@pytest.mark.slow
def test_two_machines_train_one_model(base_image: str, bucket: Bucket, tmp_path: Path) -> None:
    job = training_job(bucket)
    job.put(guided_workspace(tmp_path / "ws"))
    script = user_data(job.job, job.put_wheel(), True)
    keys = (bucket.config.access_key or "", bucket.config.secret_key or "")
    with (
        serving(MetadataStandin("i-first", *keys)) as first,
        rented(base_image, script, first, tmp_path / "1") as machine,
    ):
        until(lambda: has_taught(job, machine))
        assert turned_off(tmp_path / "1")[0].startswith("-P +120 ")  # as soon as it had started
        first.take_back()
        assert machine.wait()["StatusCode"] == 75, machine.logs().decode()
    left, state = job.status, job.state
    assert left is not None and state is not None
    assert (state.phase, state.machine) == ("interrupted", "i-first")
    assert turned_off(tmp_path / "1")[1:] == ["-P now"]
    checkpoints = job.checkpoints
    with (
        serving(MetadataStandin("i-second", *keys)) as second,
        rented(base_image, script, second, tmp_path / "2") as machine,
    ):
        assert machine.wait()["StatusCode"] == 0, machine.logs().decode()
    status, state = job.status, job.state
    assert status is not None and state is not None
    assert (state.phase, state.machine, state.exit_code) == ("ended", "i-second", 0)
    assert status.state == "ended" and status.student.startswith("1 of 1 laps")
    assert_nothing_was_lost(job, checkpoints, left, status)
    assert "start-training --resume" in job.log("machine.2.log")
    assert turned_off(tmp_path / "2")[1:] == ["-P now"]


@pytest.mark.docker
@pytest.mark.slow
def test_a_machine_that_cannot_install_says_so_and_ends(
    base_image: str, bucket: Bucket, tmp_path: Path
) -> None:
    job = training_job(bucket)
    job.put(guided_workspace(tmp_path / "ws"))
    bucket.put(job.job.keys.folder + "drcli-0-py3-none-any.whl", b"not a wheel")
    script = user_data(job.job, job.job.keys.folder + "drcli-0-py3-none-any.whl", True)
    keys = (bucket.config.access_key or "", bucket.config.secret_key or "")
    with (
        serving(MetadataStandin("i-one", *keys)) as metadata,
        rented(base_image, script, metadata, tmp_path / "1") as machine,
    ):
        assert machine.wait()["StatusCode"] == 1
    state = job.state
    assert state is not None and (state.phase, state.message) == ("failed", "drcli cannot be installed.")
    assert "drcli-0" in job.log("machine.log")
    assert turned_off(tmp_path / "1")[1:] == ["-P now"]
