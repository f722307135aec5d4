"""The workspace's own store, for buckets on this machine (DR_CLOUD=local): the interface, and the embedded server.

Each launcher names one: local processes use the embedded server, containers use MinIO.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind
from drcli.launch import log_files, store_access
from drcli.launch.machine import Credentials
from drcli.local import ProcessRef
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import server_status, stop_server
from drcli.store.store_config import StoreConfig


class OwnStore(Protocol):
    """An S3 server that belongs to the workspace."""

    is_embedded: ClassVar[bool]

    def address_for_services(self, here: StoreConfig) -> str | None:
        """Where services reach it; `here`: how commands on this machine do."""

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """Start it unless it is running, and check the bucket. Idempotent; raises as `bucket.open_bucket`."""

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """The key for the services of a run, once the store is open; None: the same key that commands use."""

    def end_run(self, workspace: Workspace, project: str) -> None:
        """The run has ended and no longer needs its key."""

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether it is running. Raises DrError if that cannot be determined."""

    def stop(self, workspace: Workspace) -> bool:
        """Stop it; False if it was not running."""

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """The values that `dr store status` shows."""

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """The last `tail` lines of its log (0: all); with `follow`, also new ones."""


class EmbeddedStore:
    """`rclone serve s3` on the loopback interface: `drcli.store.server`."""

    is_embedded: ClassVar[bool] = True

    def address_for_services(self, here: StoreConfig) -> str | None:
        """The same address: they are processes on this machine."""
        return here.endpoint_url

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """As `store_access.open_bucket`, which starts it."""
        return store_access.open_bucket(settings, workspace, write=write)

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """It only has one key pair."""
        return None

    def end_run(self, workspace: Workspace, project: str) -> None:
        """It only has one key pair."""

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether it is running."""
        return server_status(workspace).running

    def stop(self, workspace: Workspace) -> bool:
        """Stop it; False if it was not running."""
        return stop_server(workspace)

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """Whether it is running, its address and its data folder."""
        return asdict(server_status(workspace))

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """Lines of its log file."""
        pid = server_status(workspace).pid
        server = ProcessRef.find(pid) if pid is not None else None
        goes_on = (lambda: server is not None and server.is_alive) if follow else None
        return log_files.read(workspace.store_log, tail, goes_on)
