"""MinIO as the workspace's own store: implements `OwnStore` with `drcli.launch.docker.minio`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind, project_name
from drcli.launch.docker import minio, minio_accounts
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.machine import Credentials
from drcli.launch.store_access import check_room
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig


class MinioStore:
    """A separate Compose project on this machine, for both Compose and Swarm."""

    is_embedded: ClassVar[bool] = False

    def __init__(self, network: StackKind) -> None:
        self._network = network  # which kind of stacks share its network

    def address_for_services(self, here: StoreConfig) -> str | None:
        """Its name on the stacks' network."""
        return "http://minio:9000"

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """Start it unless it is running, and check the bucket."""
        bucket = minio.ensure(settings, workspace, self._network)
        if write:
            check_room(workspace)
        bucket.check(write=write)
        return bucket

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """A key for the run's bucket only; None (the workspace's key pair) if the server does not grant one."""
        project = project_name(kind, settings.run_id)
        return minio_accounts.make_run_key(workspace, project, settings.local_s3_bucket)

    def end_run(self, workspace: Workspace, project: str) -> None:
        """Remove the run's key."""
        minio_accounts.remove_run_key(workspace, project)

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether its container is running. Raises DrError without Docker."""
        return bool(minio.status(settings, workspace)["running"])

    def stop(self, workspace: Workspace) -> bool:
        """Stop it and remove its container; the data stay."""
        return minio.stop(workspace)

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """Its address, data folder, health and free space."""
        return minio.status(settings, workspace) | minio_accounts.health_facts(workspace)

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """The log of its container, or the saved log of the last one."""
        return minio.log(workspace, tail, follow)
