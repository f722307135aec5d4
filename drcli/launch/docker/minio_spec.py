"""MinIO as a Compose project: its image, what its variables stand for. `drcli.launch.docker.minio` starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drcli import env
from drcli.launch.docker.stack_spec import StackSpec
from drcli.launch.store_access import minio_port

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.paths import Workspace

REPOSITORY = "quay.io/minio/minio"  # MinIO's images left Docker Hub
PINNED = f"{REPOSITORY}:RELEASE.2025-09-07T16-13-09Z"
_CONSOLE = 1  # the console's port is the next one


def minio_image(setting: str) -> str:
    """The image for DR_MINIO_IMAGE: empty, a tag, or a full name."""
    if not setting:
        return PINNED
    return setting if "/" in setting or ":" in setting else f"{REPOSITORY}:{setting}"


def minio_spec(
    settings: Settings, workspace: Workspace, keys: Mapping[str, str], owner: Mapping[str, str]
) -> StackSpec:
    """The store of the workspace's stacks. `keys`: AWS_… variables, empty before they exist; `owner`: the user.

    It is a Compose project for Swarm, too: a Swarm service cannot be bound to 127.0.0.1 nor to this machine.
    """
    port = minio_port(settings)
    return StackSpec(
        project="s3",
        style="compose",
        files=("minio.yml",),
        variables={
            "DRCLI_WORKSPACE": str(workspace.root),
            "DR_MINIO_IMAGE": minio_image(settings.minio_image),
            "DR_MINIO_DATA": str(workspace.store),
            "DR_STORE_PORT": str(port),
            "DR_MINIO_CONSOLE_PORT": str(port + _CONSOLE if port < 65535 else port - _CONSOLE),
            **owner,
        },
        replicas={"minio": 1},
        secrets={
            "MINIO_ROOT_USER": keys.get(env.AWS_ACCESS_KEY_ID, ""),
            "MINIO_ROOT_PASSWORD": keys.get(env.AWS_SECRET_ACCESS_KEY, ""),
        },
    )
