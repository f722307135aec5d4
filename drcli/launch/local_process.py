"""Processes on this machine: start one detached, stop one gracefully. The only module that starts programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import NoReturn

import psutil

from drcli import env, local
from drcli.local import ProcessRef

_WATCH_S = 1.0


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> ProcessRef:
    """Like `drcli.local.spawn`, with `environment` added to our own."""
    return local.spawn(command, env.child(environment), log)


class Listener:
    """A program in a session of its own that waits for one line on its standard input."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._program = subprocess.Popen(
            list(command),
            env=env.child(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def tell(self, line: str) -> ProcessRef | None:
        """Give it the line; from now on it may outlive this process. None if it is no longer there."""
        assert self._program.stdin is not None
        with suppress(BrokenPipeError), self._program.stdin as told:
            told.write(f"{line}\n".encode())
        if self._program.poll() is not None:
            return None
        self._program.returncode = 0
        return ProcessRef.of(self._program.pid)

    def dismiss(self) -> None:
        """End it."""
        self._program.kill()
        self._program.communicate()


def fork(module: str, environment: Mapping[str, str], log: Path) -> ProcessRef:
    """As `spawn` for `python -m module`, but with the modules that this process has imported. Linux only."""
    pid = os.fork()
    if pid:
        return ProcessRef.of(pid)
    with ExitStack() as stack:
        stack.push(_end_process)
        os.setsid()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_DFL)
        log_to(log)
        with suppress(OSError):  # its name in `ps` and `top`
            Path("/proc/self/comm").write_text(module.rpartition(".")[2])
        env.add(environment)
        sys.modules[module].main()
    raise AssertionError  # the stack has ended the process


def _end_process(
    kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
) -> NoReturn:
    """End this process as Python does after its last line, or after an exception."""
    code = error.code if isinstance(error, SystemExit) else 0 if error is None else 1
    if kind is not None and error is not None and not isinstance(error, SystemExit):
        sys.excepthook(kind, error, trace)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)


def log_to(path: Path) -> None:
    """Append all further output of this process to a file; it has no input any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


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
