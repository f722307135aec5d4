"""The bucket of a run and its store, in any style: the workspace's own server or an external one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drcli.config.settings import Settings
from drcli.launch import store_access
from drcli.launch.launcher import launcher_of
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import server_status, stop_server


def open_bucket(settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
    """Open the bucket and check it. Starts the workspace's own store if the run uses it.

    Raises:
        DrError: unreachable, wrong keys, no such bucket, port in use, image missing; with `write` also: disk full.
    """
    if store_access.has_own_store(settings):
        return launcher_of(settings.docker_style).own_store.open(settings, workspace, write=write)
    return store_access.open_bucket(settings, workspace, write=write)


def bucket_if_running(settings: Settings, workspace: Workspace) -> Bucket | None:
    """The bucket without a check, for looking at runs; None if the embedded server does not run. Starts nothing."""
    config = store_access.store_config(settings, workspace)
    if store_access.is_embedded(settings):
        server = server_status(workspace)
        if not server.running:
            return None
        config = replace(config, endpoint_url=server.endpoint_url)
    return Bucket(config)


def stop_store(settings: Settings, workspace: Workspace) -> bool:
    """Stop the workspace's own store, including one started by another style. False if none was running."""
    stopped = stop_server(workspace)
    if store_access.has_own_store(settings):
        stopped = launcher_of(settings.docker_style).own_store.stop(workspace) or stopped
    return stopped


def store_status(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """Whether the workspace's own store is running, and where it and its data are."""
    return launcher_of(settings.docker_style).own_store.status(settings, workspace)
