"""Processes of this machine: start one detached, end one in good order. The only place that starts programs."""

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
    """As `drcli.local.spawn`, with `environment` beside our own."""
    return local.spawn(command, env.child(environment), log)


@dataclass(frozen=True)
class Finished:
    """A program that has ended: exit code, what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        """The last lines that it wrote to stderr, for a message."""
        return "\n".join(self.stderr.strip().splitlines()[-3:])


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, text: str = "") -> Finished:
    """Run a program to its end; `text` is its standard input. Secrets go into `environment`, never into `command`.

    Raises:
        FileNotFoundError: there is no such program.
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
    """What a program writes, line by line as it comes; it is ended when nobody wants more.

    With `goes_on`, which another thread asks, also once that is no longer so.
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
        while not is_enough.wait(_WATCH_S):
            if not goes_on():
                started.kill()
                return

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
    """Ask a service to end in good order; does not wait."""
    process = ref.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            if sys.platform == "win32":
                process.send_signal(signal.CTRL_BREAK_EVENT)
            else:
                process.terminate()


def kill(ref: ProcessRef) -> None:
    """End a process at once."""
    process = ref.process()
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def reap() -> None:
    """Take note of our own children that have ended, so that none stays a zombie."""
    if sys.platform != "win32":
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
