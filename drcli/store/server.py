"""The embedded S3 server: `rclone serve s3` on loopback, over plain files in the workspace's `data/minio/`.

It outlives the command that starts it, and stops by itself once no run and no command uses it (`idle_watch`). Its key
pair is random, created once, in a file only the user can read; rclone gets it through its environment, never on a
command line. Called by `drcli.launch.store_access` and `dr store`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from drcli import env
from drcli.errors import DrError
from drcli.local import free_port, lock
from drcli.paths import Workspace
from drcli.store import store_users
from drcli.store.client import Bucket
from drcli.store.key_pair import make_key_pair, read_key_pair
from drcli.store.server_process import (
    HOST,
    PortTaken,
    RunningServer,
    end,
    find_server,
    find_watch,
    start_server,
    start_watch,
    usual_port,
    wait_until_up,
)
from drcli.store.store_config import StoreConfig

IDLE_MINUTES = 15.0  # the server stops this long after its last use
_FREE_BYTES = 500 << 20  # a run writes some 300 MB: five checkpoints, traces, metrics


@dataclass(frozen=True)
class ServerStatus:
    """The current state of the embedded server of a workspace."""

    running: bool
    endpoint_url: str | None
    pid: int | None
    data: str
    log: str


def ensure_server(workspace: Workspace, port: int | None, bucket: str) -> StoreConfig:
    """Start the server unless it is running, wait until it responds, create the bucket. Idempotent.

    port: None for a free one. From now on this process counts as a user of the server until it ends.

    Raises DrError if the port is in use, the server is running on another port, it does not start, or the data
    are MinIO's.
    """
    check_data(workspace)
    try:
        workspace.store.mkdir(parents=True, exist_ok=True)
        with lock(workspace.store_lock):
            make_key_pair(workspace.store_key)
            store_users.sweep(workspace)
            server = _running(workspace, port) or _start(workspace, port)
            store_users.register(workspace, server.port)
            _ensure_watch(workspace)
            config = server_config(workspace, server.port, bucket)
            Bucket(config).ensure_bucket()
    except OSError as error:
        raise DrError(f"The store cannot write {error.filename}: {error.strerror}.") from error
    return config


def server_config(workspace: Workspace, port: int | None, bucket: str) -> StoreConfig:
    """How to reach the server of this workspace, running or not; with empty keys before its first start.

    Counts as a use of the server: who asks is about to connect.

    port: None for the one that it uses, or will try first.
    """
    store_users.note_use(workspace)
    access_key, secret_key = read_key_pair(workspace.store_key)
    url = f"http://{HOST}:{server_port(workspace) if port is None else port}"
    return StoreConfig(bucket, url, access_key=access_key, secret_key=secret_key)


def server_port(workspace: Workspace) -> int:
    """The port of the server; if it is not running, the one it will try first."""
    running = find_server(workspace)
    return running.port if running else usual_port(workspace)


def server_status(workspace: Workspace) -> ServerStatus:
    """Whether the server is running, and where."""
    running = find_server(workspace)
    return ServerStatus(
        running=running is not None,
        endpoint_url=f"http://{HOST}:{running.port}" if running else None,
        pid=running.process.pid if running else None,
        data=str(workspace.store),
        log=str(workspace.store_log),
    )


def stop_server(workspace: Workspace) -> bool:
    """Stop the server of this workspace and wait until it has ended; False if it was not running."""
    if not workspace.data.is_dir():
        return False
    with lock(workspace.store_lock):
        running, watch = find_server(workspace), find_watch(workspace)
        for process in (watch, running.process if running else None):
            if process is not None:
                end(process)
    return running is not None


def check_data(workspace: Workspace) -> None:
    """Raise DrError if the data folder is MinIO's: its content would look like an empty bucket, or like junk."""
    if (workspace.store / ".minio.sys").exists():
        raise DrError(
            f"{workspace.store} contains data in MinIO's own format, which the embedded store cannot read.",
            "Keep using MinIO: DR_DOCKER_STYLE=compose or swarm; or copy the models into a new workspace: "
            f"`dr import-drfc {workspace.root} NEW --models` while MinIO runs.",
        )


def check_space(workspace: Workspace) -> None:
    """Raise DrError if the disk has no space for the output of a run."""
    free = shutil.disk_usage(workspace.store).free
    if free < _FREE_BYTES:
        raise DrError(
            f"The disk is full: {free >> 20} MB are left for {workspace.store}, "
            f"a run needs {_FREE_BYTES >> 20} MB.",
            "Free some space; `dr models` shows the size of each model.",
        )


def _running(workspace: Workspace, port: int | None) -> RunningServer | None:
    """The server if it is running. Raises DrError if it is on another port than `port`."""
    running = find_server(workspace)
    if running is None:
        return None
    if port not in (None, running.port):
        raise DrError(
            f"The store of this workspace is already running on port {running.port}, not {port}.",
            f"Set DR_STORE_PORT to {running.port} or leave it empty, or run `dr store stop` first.",
        )
    wait_until_up(workspace, running)
    return running


def _start(workspace: Workspace, port: int | None) -> RunningServer:
    """Start it on `port`, or on the first free one."""
    access_key, secret_key = read_key_pair(workspace.store_key)
    for candidate in _free_ports(workspace) if port is None else ():
        with suppress(PortTaken):
            return start_server(workspace, candidate, access_key, secret_key)
    return start_server(workspace, free_port() if port is None else port, access_key, secret_key)


def _free_ports(workspace: Workspace) -> Iterator[int]:
    """Ports to try: those where runs expect a server that was killed, the usual one, and two that are free now."""
    yield from dict.fromkeys(user.port for user in store_users.living(workspace))
    yield usual_port(workspace)
    yield free_port()
    yield free_port()


def _ensure_watch(workspace: Workspace) -> None:
    minutes = float(env.read(env.DR_STORE_IDLE_MINUTES) or IDLE_MINUTES)
    if minutes and find_watch(workspace) is None:
        start_watch(workspace, minutes)
