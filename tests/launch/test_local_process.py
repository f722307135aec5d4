from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from polling import DEADLINE_S

from drcli.launch import local_process

Until = Callable[..., object]


def test_a_program_of_its_own(tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another session than ours: Ctrl-C in the user's terminal does not reach it."""
    monkeypatch.setenv("OUTER", "seen")
    program = (
        "import os, signal; print(os.getsid(0) == os.getpid(), os.environ['OUTER'], os.environ['MINE'], "
        "os.read(0, 1), flush=True); signal.pause()"
    )
    log = tmp_path / "logs" / "x.log"
    ref = local_process.spawn((sys.executable, "-c", program), {"MINE": "too"}, log)
    until(lambda: log.read_text().endswith("\n"))
    assert log.read_text() == "True seen too b''\n"
    assert ref.is_alive
    local_process.ask_to_stop(ref)
    until(lambda: not ref.is_alive)
    local_process.ask_to_stop(ref)
    local_process.kill(ref)  # of one that is gone is no error


def test_reap_leaves_no_zombie(tmp_path: Path) -> None:
    refs = [local_process.spawn((sys.executable, "-c", ""), {}, tmp_path / "x.log") for _ in range(2)]
    for ref in refs:
        os.waitid(os.P_PID, ref.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(ref.pid).status() == psutil.STATUS_ZOMBIE
        assert not ref.is_alive
    local_process.reap()
    assert not [ref for ref in refs if psutil.pid_exists(ref.pid)]
    local_process.reap()


def test_a_pid_that_is_anothers_now_is_left_alone() -> None:
    mine = local_process.ProcessRef.of(os.getpid())
    other = local_process.ProcessRef(mine.pid, mine.created - 1000)
    assert not other.is_alive
    before = signal.getsignal(signal.SIGTERM)
    local_process.ask_to_stop(other)
    local_process.kill(other)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_log_ends_when_nobody_can_tell_whether_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import signal; print('line', flush=True); signal.pause()"
    has_begun, raised = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: raised.set())

    def goes_on() -> bool:
        if has_begun.is_set():
            raise RuntimeError("unforeseen")
        return True

    lines = local_process.lines([sys.executable, "-c", program], goes_on)
    assert next(lines) == "line"
    has_begun.set()
    assert list(lines) == []
    assert raised.wait(DEADLINE_S)
