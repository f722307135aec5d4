"""The store of a workspace, when the bucket is on this machine (DR_CLOUD=local): which server holds it, in which style.

A launcher names one. Local processes have the embedded server, containers MinIO.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch import log_files
from drcli.launch.machine import Credentials
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store import access
from drcli.store.client import Bucket
from drcli.store.server import server_status, stop_server


class OwnStore(Protocol):
    """A server of the workspace's own."""

    is_embedded: ClassVar[bool]

    def address_for_services(self, port: int | None) -> str | None:
        """Where services reach it; `port` is DR_STORE_PORT. None: not known before its server is asked."""

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """Start it where it does not run, and check the bucket. Idempotent; raises as `bucket.open_bucket`."""

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """The key that the services of a run are given, once it is open; None: that which commands have."""

    def end_run(self, workspace: Workspace, project: str) -> None:
        """The run has ended, and needs its key no longer."""

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether it runs now. DrError where that cannot be known."""

    def stop(self, workspace: Workspace) -> bool:
        """Stop it; False when it was not running."""

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """As `dr store status` shows it."""

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """The last `tail` lines of its log (0: all), with `follow` also those that come."""


class EmbeddedStore:
    """`rclone serve s3` on the loopback interface: `drcli.store.server`."""

    is_embedded: ClassVar[bool] = True

    def address_for_services(self, port: int | None) -> str | None:
        """As for everybody on this machine."""
        return None if port is None else f"http://127.0.0.1:{port}"

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """As `access.open_bucket`, which starts it."""
        return access.open_bucket(settings, workspace, write=write)

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """It has one key pair."""
        return None

    def end_run(self, workspace: Workspace, project: str) -> None:
        """It has one key pair."""

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether it runs now."""
        return server_status(workspace).running

    def stop(self, workspace: Workspace) -> bool:
        """Stop it; False when it was not running."""
        return stop_server(workspace)

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """Where it and its data are."""
        return asdict(server_status(workspace))

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """The file that it writes to."""
        pid = server_status(workspace).pid
        server = ProcessRef.find(pid) if pid is not None else None
        goes_on = (lambda: server is not None and server.is_alive) if follow else None
        return log_files.read(workspace.store_log, tail, goes_on)
