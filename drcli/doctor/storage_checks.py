"""Checks of the store: the ports that a run uses, its keys, the bucket itself."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil

from drcli.config.settings import Settings
from drcli.doctor.finding import GB, CheckResult, Subject, error, ok, warning
from drcli.launch.docker import minio, minio_accounts
from drcli.launch.docker.minio_admin import NotGranted
from drcli.launch.store_access import is_embedded, is_minio, minio_port, store_config
from drcli.store.client import Bucket
from drcli.store.credentials import credentials
from drcli.store.server import check_data, server_status


def check_store_port(subject: Subject) -> Iterator[CheckResult]:
    """DR_STORE_PORT has to be free or used by this workspace's store. The embedded store can do without it."""
    settings, workspace = subject.settings, subject.workspace
    own = own_store_port(subject)
    if is_embedded(settings) and settings.store_port is None:
        yield ok(f"Port {own}: the store of this workspace." if own else "The store uses a free port.")
        return
    port, change = minio_port(settings), "use another one: DR_STORE_PORT=9010 in system.env"
    if own == port:
        yield ok(f"Port {port}: the store of this workspace.")
    elif own is not None:
        yield error(
            f"The store of this workspace is running on port {own}, not {port}.",
            f"Set DR_STORE_PORT to {own} or leave it empty, or run `dr store stop` first.",
        )
    elif workspace is None:
        yield from check_port(port, "the store", "With a workspace: " + change)
    else:
        yield from check_port(port, "the store", "Stop it, or " + change)


def check_port(port: int, what: str, fix: str) -> Iterator[CheckResult]:
    """A port of this machine has to be free."""
    taken = why_taken(port)
    if taken:
        yield error(f"Port {port}, which {what} needs, {taken}.", fix)
    else:
        yield ok(f"Port {port}, for {what}, is free.")


def check_credentials(subject: Subject) -> Iterator[CheckResult]:
    """Which keys are used. check_bucket tells whether they are valid."""
    assert subject.workspace is not None
    settings, key_file = subject.settings, subject.workspace.store_key
    config = store_config(settings, subject.workspace)  # raises DrError if the key file is broken
    if is_local(settings) and config.access_key is not None and not settings.local_access_key_id:
        made = "exists" if key_file.is_file() else "is created at the first start"
        yield ok(f"The store's own key pair, {key_file}, {made}.")
    elif config.access_key and not config.secret_key:
        yield error(
            "DR_LOCAL_ACCESS_KEY_ID is set, but its secret is not.",
            "Set DR_LOCAL_SECRET_ACCESS_KEY in system.env.",
        )
    else:
        found = credentials(config)  # raises DrError if there are none
        own = f"DR_LOCAL_ACCESS_KEY_ID ({settings.source('DR_LOCAL_ACCESS_KEY_ID')})"
        who = own if config.access_key else config.who if found is not None else "the role of this machine"
        yield ok(f"The bucket is accessed with the keys of {who}.")


def check_bucket(subject: Subject) -> Iterator[CheckResult]:
    """The bucket has to be readable and writable. Leaves nothing there, does not start the workspace's own store."""
    assert subject.workspace is not None
    settings, workspace = subject.settings, subject.workspace
    config = store_config(settings, workspace)
    if is_embedded(settings):
        check_data(workspace)
    if is_local(settings):
        if own_store_port(subject) is None:
            yield ok("The store is not running; training or `dr store start` starts it.")
            return
        if not (workspace.store / config.bucket).is_dir():
            yield ok(f"The {config.place} is created at the next start.")
            return
    Bucket(config).check(write=True)
    yield ok(f"The {config.place} can be read and written.")


def check_minio_server(subject: Subject) -> Iterator[CheckResult]:
    """Health and free space of a running MinIO, and whether it gives each run its own key."""
    assert subject.workspace is not None
    server = minio_accounts.server_of(subject.workspace)
    if server is None:
        return
    try:
        health = server.health()
        server.accounts()
    except NotGranted as refusal:
        yield warning(f"{refusal.message} Runs use the same key as commands.", refusal.hint)
        return
    room = f"{health.free_bytes / GB:.1f} of {health.total_bytes / GB:.1f} GB free"
    if health.is_well:
        yield ok(f"MinIO is healthy, {room}. Each run gets a key for its bucket only.")
    else:
        drives = f", faulty drives: {', '.join(health.faulty_drives)}" if health.faulty_drives else ""
        yield error(f"MinIO is not healthy, {room}{drives}.", "`dr logs minio` shows why.")


def is_local(settings: Settings) -> bool:
    """Whether the store is the workspace's own: the embedded server or MinIO."""
    return is_embedded(settings) or is_minio(settings)


def own_store_port(subject: Subject) -> int | None:
    """The port of the workspace's own store; None if it is not running."""
    if subject.workspace is None:
        return None
    if is_embedded(subject.settings):
        endpoint = server_status(subject.workspace).endpoint_url
        return int(endpoint.rpartition(":")[2]) if endpoint else None
    found = minio.of_workspace(subject.workspace)
    return minio.published_port(found) if found is not None else None


def is_free(port: int) -> bool:
    """Whether a port of this machine is free."""
    return not _refused(port)


def why_taken(port: int) -> str:
    """Why a port of this machine is not free, as text; empty if it is."""
    code = _refused(port)
    if code == errno.EACCES:
        return "is reserved for administrators"
    return f"is in use{_by(port)}" if code else ""


def _refused(port: int) -> int:
    """The error code of listening on a port; 0 if that is possible."""
    with socket.socket() as probe:
        if (
            sys.platform == "linux"
        ):  # a port that was just released is free; on other systems the option lets two programs listen
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            return fault.errno or errno.EADDRINUSE
    return 0


def _by(port: int) -> str:
    """Which program listens on a port, if that can be determined."""
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return f" by {process.info['name']} (pid {process.pid})"
    return ""
