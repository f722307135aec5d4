"""This machine: atomic writes, locks that end with their holder, processes that are found again."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from filelock import FileLock

from drcli import env

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would otherwise convert line ends
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_CLOCK_SLACK_S = 5.0  # Linux derives start times from the wall clock, which may be changed

Companion = subprocess.Popen[bytes]


@dataclass(frozen=True)
class ProcessRef:
    """Identifies a process. Its pid alone may have been reused; the start time tells."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessRef:
        """The process that has this pid now. Raises psutil.NoSuchProcess if there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def find(cls, pid: int) -> ProcessRef | None:
        """As `of`, but None if there is none."""
        with suppress(psutil.NoSuchProcess):
            return cls.of(pid)
        return None

    def process(self) -> psutil.Process | None:
        """The process; None if it has ended."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            is_ours = abs(process.create_time() - self.created) < _CLOCK_SLACK_S
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    @property
    def is_alive(self) -> bool:
        """Whether it is still running."""
        return self.process() is not None


def spawn(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path | None = None
) -> ProcessRef:
    """Start a program in its own session, with its output appended to `log`; it outlives this process.

    Ctrl-C in the user's terminal does not reach it. `environment` is its whole environment; secrets go there, never
    into `command`. folder: its working directory (default: the current one).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    with log.open("ab") as output:
        started = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=sys.platform != "win32",
            creationflags=flags,
        )
    started.returncode = 0  # its owner finds it by its ProcessRef, perhaps from another process
    return ProcessRef.of(started.pid)


def follow(command: Sequence[str], log: Path, folder: Path) -> Companion:
    """Start a program in a session of its own, with its output appended to `log`; its exit code is of interest."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=sys.platform != "win32",
        )


class Outcome(NamedTuple):
    """How a program ended; `code` is None if it was ended because it took too long."""

    code: int | None
    output: str
    errors: str


def run_apart(command: Sequence[str], folder: Path, limit_s: float) -> Outcome:
    """Run a program to its end in `folder`, in an environment without credentials, one thread per library."""
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
    try:
        done = subprocess.run(
            list(command),
            env={**env.bare(), **_ONE_THREAD, **path},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "")
    return Outcome(done.returncode, done.stdout, done.stderr)


def companion(
    command: Sequence[str], environment: Mapping[str, str] | None = None, descriptors: Sequence[int] = ()
) -> Companion:
    """Start a program that talks over its standard input and output; its errors go where ours go.

    It gets no Ctrl-C. Its standard input ends when this process ends, even by kill -9, and so should the program.
    environment: added to ours; descriptors: open files that it inherits (not on Windows).
    """
    extra = {
        **(environment or {}),
        **_ONE_THREAD,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONUTF8": "1",
    }
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        list(command),
        env=env.child(extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=sys.platform != "win32",
        creationflags=flags,
        pass_fds=descriptors,
    )


def free_port() -> int:
    """A port of the loopback interface that is not in use now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_atomically(
    path: Path, content: bytes, *, replace: bool = True, mode: int | None = None, durable: bool = False
) -> None:
    """Write a file and create its parent folders. Readers see it complete or not at all, even if we are killed.

    replace: False keeps an existing file and raises `FileExistsError`; mode: its permissions, from the first byte on
    (default: as for any new file); durable: it also survives a power failure.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666 if mode is None else mode
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            draft.chmod(mode)  # the umask may have removed some bits
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_private(path: Path, document: Any, *, replace: bool = True) -> None:
    """Write JSON that only its owner can read, atomically; over an older file only with `replace`."""
    with nullcontext() if replace else suppress(FileExistsError):
        write_atomically(path, json.dumps(document).encode(), replace=replace, mode=0o600)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock: others wait. It is released when the process that holds it ends, even by kill -9."""
    with FileLock(path):
        yield
