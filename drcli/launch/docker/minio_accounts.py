"""Administers the workspace's own MinIO, found by its container: health, and one key per run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from drcli import env
from drcli.errors import DrError
from drcli.launch.docker import minio
from drcli.launch.docker.minio_admin import MinioServer
from drcli.paths import Workspace


def server_of(workspace: Workspace) -> MinioServer | None:
    """The running MinIO of a workspace, regardless of who started it; None if there is none. DrError without Docker.

    The root key is read from the container, since a profile may name another key.
    """
    found = minio.of_workspace(workspace)
    port = minio.published_port(found) if found is not None else None
    if port is None:
        return None
    variables = _variables(found)
    user, password = (variables.get(f"MINIO_ROOT_{part}", "") for part in ("USER", "PASSWORD"))
    return MinioServer(f"http://127.0.0.1:{port}", user, password)


def make_run_key(workspace: Workspace, project: str, bucket: str) -> Mapping[str, str] | None:
    """A key for this bucket only, as environment variables; None if the server does not grant one.

    It is named after the run's project, so the next run of that name replaces it.
    """
    with suppress(DrError):
        server = server_of(workspace)
        if server is not None:
            key = server.make_account(project, bucket)
            return {env.AWS_ACCESS_KEY_ID: key.access_key, env.AWS_SECRET_ACCESS_KEY: key.secret_key}
    return None


def remove_run_key(workspace: Workspace, project: str) -> None:
    """Remove the key of a run that has ended. Does nothing if it had none, or MinIO is not running."""
    with suppress(DrError):
        server = server_of(workspace)
        if server is not None:
            server.remove_account(project)


def health_facts(workspace: Workspace) -> dict[str, Any]:
    """Health and free space, for `dr store status`; None if the server does not tell."""
    with suppress(DrError):
        server = server_of(workspace)
        if server is not None:
            health = server.health()
            return {"healthy": health.is_well, "free_bytes": health.free_bytes}
    return {"healthy": None, "free_bytes": None}


def _variables(container: Any) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in container.attrs["Config"]["Env"])
    return {name: value for name, _, value in pairs}
