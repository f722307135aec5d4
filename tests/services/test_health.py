"""What Docker asks a service now and then."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drcli.services.health import MAX_AGE_S, fault
from drcli.services.shared.heartbeat import Heartbeat, heartbeat_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DR_HEARTBEAT_FILE", str(tmp_path / "beat"))
    return tmp_path / "beat"


def test_a_service_is_well_while_it_says_so(file: Path) -> None:
    assert "not ready" in fault(file, 0.0)
    Heartbeat.of_service().beat()
    assert fault(file, 0.0) == ""
    assert "not ready again" in fault(file, time.time() + 10)  # it is of the container's earlier life
    old = time.time() - MAX_AGE_S - 5
    os.utime(file, (old, old))
    assert "last heard of" in fault(file, 0.0)


def test_it_says_so_about_once_a_second(file: Path) -> None:
    heartbeat = Heartbeat.of_service()
    heartbeat.beat()
    file.unlink()
    heartbeat.beat("whatever", "a hook", "is given")
    assert not file.exists()


def test_the_services_of_a_process_stack_leave_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Heartbeat.of_service()._path is None
    monkeypatch.setenv("DR_CONTAINER", "1")
    assert Heartbeat.of_service()._path == heartbeat_file()


def test_a_disk_that_is_full_is_no_reason_to_end(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "no such folder" / "beat").beat()


def test_the_command(file: Path) -> None:
    code = "import runpy, sys\ntry:\n    runpy.run_module('drcli.services.health', run_name='__main__')\n" \
           "finally:\n    assert not {'torch', 'numpy', 'zmq', 'boto3'} & set(sys.modules)"  # fmt: skip
    ask = [sys.executable, "-c", code]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "The service is not ready yet.\n", "")
    file.touch()
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
