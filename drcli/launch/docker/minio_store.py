"""MinIO as the own store of a workspace: what `drcli.launch.docker.minio` does, in the words of `OwnStore`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from drcli.config.settings import Settings
from drcli.contract.run_name import RunKind, project_name
from drcli.launch.docker import minio, minio_accounts
from drcli.launch.docker.stack_spec import StackKind
from drcli.launch.machine import Credentials
from drcli.paths import Workspace
from drcli.store.access import check_room
from drcli.store.client import Bucket


class MinioStore:
    """A Compose project of its own on this machine, in both styles of Docker."""

    is_embedded: ClassVar[bool] = False

    def __init__(self, network: StackKind) -> None:
        self._network = network  # of which stacks

    def address_for_services(self, port: int | None) -> str | None:
        """Its name on the network of the stacks."""
        return "http://minio:9000"

    def open(self, settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
        """Start it unless it runs, and check the bucket."""
        bucket = minio.ensure(settings, workspace, self._network)
        if write:
            check_room(workspace)
        bucket.check(write=write)
        return bucket

    def run_credentials(
        self, settings: Settings, workspace: Workspace, kind: RunKind, prefix: str
    ) -> Credentials:
        """A key for the run's bucket alone, where the server grants one; else the key pair of the workspace."""
        project = project_name(kind, settings.run_id)
        return minio_accounts.make_run_key(workspace, project, settings.local_s3_bucket)

    def end_run(self, workspace: Workspace, project: str) -> None:
        """Its key ends with it."""
        minio_accounts.remove_run_key(workspace, project)

    def is_running(self, settings: Settings, workspace: Workspace) -> bool:
        """Whether its container runs. DrError without Docker."""
        return bool(minio.status(settings, workspace)["running"])

    def stop(self, workspace: Workspace) -> bool:
        """Stop it and take its container away; the data stay."""
        return minio.stop(workspace)

    def status(self, settings: Settings, workspace: Workspace) -> dict[str, Any]:
        """Where it and its data are, how it is, and how much room it has."""
        return minio.status(settings, workspace) | minio_accounts.health_facts(workspace)

    def log(self, workspace: Workspace, tail: int, *, follow: bool) -> Iterator[str]:
        """Of its container, or what was kept of it."""
        return minio.log(workspace, tail, follow)
