"""A web server of a workspace as a process of its own, which outlives the command that starts it.

A file, which only its owner can read, says where the server is. Its secrets are in its environment or in files of that
kind, never on a command line. Used by the viewer and by log analysis, one server each per workspace.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from drcli.errors import DrError
from drcli.local import ProcessRef, spawn, write_private
from drcli.store.server_process import end

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLL_S = 0.05


@dataclass(frozen=True)
class DetachedServer:
    """Where it listens, and its process. token: what it wants to be shown; empty: nothing."""

    host: str
    port: int
    token: str
    pid: int
    created: float

    @property
    def process(self) -> psutil.Process | None:
        """Its process; None if it has ended."""
        return ProcessRef(self.pid, self.created).process()


@dataclass(frozen=True)
class Program:
    """What to start. name: in messages, such as `The viewer`; record: the file that says where it is."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    record: Path
    log: Path
    deadline_s: float = 60.0  # on a busy machine


_Server = TypeVar("_Server", bound=DetachedServer)


def find(kind: type[_Server], record: Path) -> _Server | None:
    """The server of this record if it is running."""
    try:
        server = kind(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return server if server.process is not None else None


def start(kind: type[_Server], program: Program, host: str, port: int, token: str) -> _Server:
    """Start the program, and wait until something accepts connections at its port.

    Raises DrError, with the last lines of its log, if it ends or nothing listens within its deadline.
    """
    process = spawn(program.command, program.environment, program.log)
    server = kind(host, port, token, process.pid, process.created)
    write_private(program.record, asdict(server))
    deadline = time.monotonic() + program.deadline_s
    while not _accepts(server):
        if server.process is None or time.monotonic() > deadline:
            stop(kind, program.record)
            said = program.log.read_text(errors="replace").splitlines()[-3:]
            raise DrError(f"{program.name} did not start:\n" + "\n".join(said), f"Its log is {program.log}.")
        time.sleep(_POLL_S)
    return server


def stop(kind: type[_Server], record: Path) -> bool:
    """Stop the server and wait for it; False if it was not running. Idempotent."""
    server = find(kind, record)
    process = None if server is None else server.process
    if process is not None:
        end(process)
    record.unlink(missing_ok=True)
    return process is not None


def why_not_free(host: str, port: int) -> str:
    """Why a server cannot listen there, in the operating system's words; empty if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def reachable(host: str) -> list[str]:
    """The addresses under which a server bound to `host` can be reached."""
    if host not in ("0.0.0.0", "::"):
        return [host]
    known = [
        a for addresses in psutil.net_if_addrs().values() for a in addresses if a.family == socket.AF_INET
    ]
    return [a.address for a in known if not a.address.startswith("127.")] or [LOOPBACK[0]]


def _accepts(server: DetachedServer) -> bool:
    try:
        with socket.create_connection((reachable(server.host)[0], server.port), timeout=1.0):
            return True
    except OSError:
        return False
