"""The bucket of a run and the store behind it, in any style: the embedded server, MinIO, or one of the user's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drcli.config.settings import Settings
from drcli.paths import Workspace
from drcli.store import access
from drcli.store.client import Bucket
from drcli.store.server import server_status, stop_server


def open_bucket(settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
    """The bucket, checked; starts the embedded server or MinIO, whichever the run uses.

    DrError: unreachable, wrong keys, no such bucket, port taken, image missing; with `write` also: disk full.
    """
    if not access.is_minio(settings):
        return access.open_bucket(settings, workspace, write=write)
    from drcli.launch.docker import minio

    bucket = minio.ensure(settings, workspace)
    if write:
        access.check_room(workspace)
    bucket.check(write=write)
    return bucket


def stop_store(settings: Settings, workspace: Workspace) -> bool:
    """Stop the workspace's own store; False when it was not running."""
    stopped = stop_server(workspace)
    if access.is_minio(settings):
        from drcli.launch.docker import minio

        stopped = minio.stop(workspace) or stopped
    return stopped


def store_status(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """Whether the workspace's own store runs, and where it and its data are."""
    if access.is_minio(settings):
        from drcli.launch.docker import minio

        return minio.status(settings, workspace)
    return asdict(server_status(workspace))
