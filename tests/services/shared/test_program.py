"""Services as programs: exit codes, the exit file, stop requests. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from polling import DEADLINE_S

LEAST = {"MODEL_S3_BUCKET": "bucket", "MODEL_S3_PREFIX": "racer", "S3_YAML_NAME": "params.yaml"}
HEAD = """
import threading, time
from drcli.errors import DrError
from drcli.services.shared import program, service_log as log

def service(environment, stop):
    log.line("up")
"""
TAIL = "\nprogram.run(service)\n"


class Program:
    """A small service in a process; `body` is the rest of its function."""

    def __init__(self, folder: Path, body: str, variables: dict[str, str]) -> None:
        self._exit_file = folder / "service.exit"
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEAD + lines + TAIL],
            env={**os.environ, **variables, "DR_EXIT_FILE": str(self._exit_file)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_up(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "up\n"

    def end(self) -> tuple[int, str, str]:
        """Exit code, the code it noted (or ""), and what it said."""
        said, errors = self.process.communicate(timeout=DEADLINE_S)
        noted = self._exit_file.read_text() if self._exit_file.exists() else ""
        return self.process.returncode, noted, said + errors


def test_a_service_that_is_done_leaves_a_zero(tmp_path: Path) -> None:
    code, noted, said = Program(tmp_path, "log.line(environment.prefix)", LEAST).end()
    assert (code, noted, said) == (0, "0", "up\nracer\n")


@pytest.mark.parametrize(
    "body",
    [
        "raise DrError('reward.py:3: no', 'Mend it.')",
        "threading.Thread(target=program.leave, args=('reward.py:3: no', 'Mend it.')).start()\ntime.sleep(60)",
    ],
    ids=["raised", "from another thread"],
)
def test_what_the_user_has_to_mend_is_a_three(tmp_path: Path, body: str) -> None:
    code, noted, said = Program(tmp_path, body, LEAST).end()
    assert (code, noted) == (3, "3")
    assert said == "up\nERROR: reward.py:3: no\nHINT: Mend it.\n"


def test_so_is_a_start_without_its_variables(tmp_path: Path) -> None:
    code, noted, said = Program(tmp_path, "", {}).end()
    assert (code, noted) == (3, "3")
    assert said.startswith("ERROR: The service was started without MODEL_S3_BUCKET.")


def test_a_crash_keeps_its_traceback_and_notes_nothing(tmp_path: Path) -> None:
    code, noted, said = Program(tmp_path, "1 / 0", LEAST).end()
    assert (code, noted) == (1, "")
    assert "ZeroDivisionError" in said


WAIT = "stop.on_request(lambda: log.line('asked'))\nwhile not stop.is_set:\n    time.sleep(0.01)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_request_ends_it_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    program = Program(tmp_path, WAIT, LEAST)
    program.until_up()
    program.process.send_signal(number)
    assert program.end() == (0, "0", "asked\n")


def test_a_request_before_anybody_listens_is_not_lost(tmp_path: Path) -> None:
    program = Program(tmp_path, "while not stop.is_set:\n    time.sleep(0.01)\n" + WAIT, LEAST)
    program.until_up()
    program.process.terminate()
    assert program.end() == (0, "0", "asked\n")


def test_a_second_request_ends_it_at_once(tmp_path: Path) -> None:
    stubborn = "stop.on_request(lambda: log.line('asked'))\nwhile True:\n    time.sleep(0.01)"
    program = Program(tmp_path, stubborn, LEAST)
    program.until_up()
    program.process.terminate()
    assert program.process.stdout
    assert program.process.stdout.readline() == "asked\n"
    program.process.terminate()
    assert program.end()[:2] == (128 + signal.SIGTERM, "")


IN_CONTAINER = {**LEAST, "DR_CONTAINER": "1"}


def test_a_container_that_a_signal_has_stopped_is_to_come_back(tmp_path: Path) -> None:
    program = Program(tmp_path, WAIT + "\nreturn True", IN_CONTAINER)
    program.until_up()
    program.process.terminate()
    assert program.end() == (143, "143", "asked\n")


def test_a_container_whose_work_was_done_when_the_signal_came_is_not(tmp_path: Path) -> None:
    program = Program(tmp_path, WAIT + "\nreturn False", IN_CONTAINER)
    program.until_up()
    program.process.terminate()
    assert program.end() == (0, "0", "asked\n")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise DrError('reward.py:3: no', 'Mend it.')", 0),
        (
            "threading.Thread(target=program.leave, args=('reward.py:3: no', 'Mend it.')).start()\ntime.sleep(60)",
            0,
        ),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nraise DrError('reward.py:3: no', 'Mend it.')",
            143,
        ),
    ],
    ids=["raised", "from another thread", "while it was stopped"],
)
def test_docker_does_not_start_again_what_the_user_has_to_mend(tmp_path: Path, body: str, code: int) -> None:
    said = Program(tmp_path, body, IN_CONTAINER).end()
    assert said == (code, str(code), "up\nERROR: reward.py:3: no\nHINT: Mend it.\n")


def test_a_crash_in_a_container_is_a_crash(tmp_path: Path) -> None:
    assert Program(tmp_path, "1 / 0", IN_CONTAINER).end()[:2] == (1, "")
