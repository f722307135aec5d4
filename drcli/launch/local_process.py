"""Processes on this machine: start one detached, stop one gracefully. The only module that starts programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

from drcli import env, local
from drcli.local import ProcessRef

_WATCH_S = 1.0


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> ProcessRef:
    """Like `drcli.local.spawn`, with `environment` added to our own."""
    return local.spawn(command, env.child(environment), log)


@dataclass(frozen=True)
class Finished:
    """A finished program: its exit code and output."""

    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        """The last lines of its stderr, for a message."""
        return "\n".join(self.stderr.strip().splitlines()[-3:])


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, text: str = "") -> Finished:
    """Run a program and wait for it; `text` is its standard input. Secrets go into `environment`, never into `command`.

    Raises:
        FileNotFoundError: the program does not exist.
    """
    done = subprocess.run(
        list(command),
        env=env.child(environment or {}),
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def lines(command: Sequence[str], goes_on: Callable[[], bool] | None = None) -> Iterator[str]:
    """The output of a program, line by line as it appears. The program is killed when the iteration stops.

    With `goes_on`, which another thread calls, it is also killed as soon as that returns False.
    """
    started = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        bufsize=1,
    )
    assert started.stdout is not None
    is_enough = Event()

    def watch(goes_on: Callable[[], bool]) -> None:
        try:
            while not is_enough.wait(_WATCH_S) and goes_on():
                pass
        finally:
            started.kill()  # also if `goes_on` raises: a log must not be followed forever

    if goes_on is not None:
        Thread(target=watch, args=(goes_on,), daemon=True).start()
    try:
        for line in started.stdout:
            yield line.rstrip("\r\n")
    finally:
        is_enough.set()
        started.kill()
        started.wait()
        started.stdout.close()


def ask_to_stop(ref: ProcessRef) -> None:
    """Ask a service to stop gracefully; does not wait."""
    process = ref.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            if sys.platform == "win32":
                process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                process.terminate()


def kill(ref: ProcessRef) -> None:
    """Kill a process immediately."""
    process = ref.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def reap() -> None:
    """Reap our own children that have ended, so that none stays a zombie."""
    if sys.platform != "win32":
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
