"""From settings to the bucket: which store a run uses (DR_CLOUD), and with which keys.

With DR_CLOUD=local the style of the run (DR_DOCKER_STYLE) decides which server of its own the workspace uses: the
embedded one, started here when needed, or MinIO, started by `drcli.launch.docker.minio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.credentials import has_profile
from drcli.store.key_pair import read_key_pair
from drcli.store.store_config import StoreConfig
from drcli.tables import LAUNCHERS

if TYPE_CHECKING:
    from drcli.config.settings import Settings

_MINIO_PORT = 9000


def is_embedded(settings: Settings) -> bool:
    """Whether the run uses the embedded server of its workspace."""
    return has_own_store(settings) and bool(_own_store(settings.docker_style).is_embedded)


def is_minio(settings: Settings) -> bool:
    """Whether the run uses its workspace's own MinIO, in a container."""
    return has_own_store(settings) and not _own_store(settings.docker_style).is_embedded


def has_own_store(settings: Settings) -> bool:
    """Whether the bucket is on this machine, in the workspace's own server."""
    return settings.cloud in ("local", "azure")


def _own_store(style: str) -> Any:
    return LAUNCHERS.load(style).own_store  # drcli.launch.own_store.OwnStore, which uses this module


def store_config(settings: Settings, workspace: Workspace) -> StoreConfig:
    """How commands on this machine reach the bucket. Starts nothing. Raises DrError if the key file is broken."""
    if is_embedded(settings):
        from drcli.store.server import server_config

        return server_config(workspace, settings.store_port, settings.local_s3_bucket)
    addresses = {"aws": None, "remote": settings.remote_minio_url or settings.minio_url}
    if is_minio(settings) and not settings.local_access_key_id and not has_profile(settings.local_s3_profile):
        access_key, secret_key = read_key_pair(workspace.store_key)
        url = f"http://127.0.0.1:{minio_port(settings)}"
        return StoreConfig(settings.local_s3_bucket, url, access_key=access_key, secret_key=secret_key)
    own_key = bool(settings.local_access_key_id)
    # To boto3 "default" is a profile that must exist; without a name it also tries roles and variables.
    named = not own_key and settings.local_s3_profile != "default"
    return StoreConfig(
        bucket=settings.local_s3_bucket,
        endpoint_url=addresses.get(settings.cloud, f"http://127.0.0.1:{minio_port(settings)}"),
        region=settings.aws_app_region,
        access_key=settings.local_access_key_id if own_key else None,
        secret_key=settings.local_secret_access_key if own_key else None,
        profile=settings.local_s3_profile if named else None,
    )


def minio_port(settings: Settings) -> int:
    """The port of MinIO on this machine: as with DeepRacer-for-Cloud unless DR_STORE_PORT says otherwise."""
    return _MINIO_PORT if settings.store_port is None else settings.store_port


def services_endpoint(settings: Settings, here: StoreConfig) -> str | None:
    """Where services reach the store; None for AWS itself. `here`: how commands on this machine do."""
    if settings.minio_url:
        return settings.minio_url
    if has_own_store(settings):
        address: str = _own_store(settings.docker_style).address_for_services(here)
        return address
    return settings.remote_minio_url if settings.cloud == "remote" else None


def open_bucket(settings: Settings, workspace: Workspace, *, write: bool = False) -> Bucket:
    """The bucket, checked; starts the embedded server if the run uses it.

    Raises DrError: unreachable, wrong keys, no such bucket, port in use; with `write` also: disk full,
    read-only.
    """
    if is_embedded(settings):
        from drcli.store.server import check_space, ensure_server

        config = ensure_server(workspace, settings.store_port, settings.local_s3_bucket)
        if write:
            check_space(workspace)
    else:
        config = store_config(settings, workspace)
    bucket = Bucket(config)
    bucket.check(write=write)
    return bucket


def check_room(workspace: Workspace) -> None:
    """Raise DrError if the disk has no space for the output of a run."""
    from drcli.store.server import check_space

    check_space(workspace)


def upload_config(settings: Settings, bucket: str | None = None) -> StoreConfig:
    """Where finished models go: DR_UPLOAD_S3_BUCKET (or `bucket`) on AWS, or at the profile's endpoint_url.

    Raises DrError if the bucket is not set.
    """
    name = bucket or settings.upload_s3_bucket
    if name in ("", "not-defined", "to-be-defined"):
        raise DrError(
            "DR_UPLOAD_S3_BUCKET is not set.", "Set it in system.env, or use -L for this workspace's bucket."
        )
    # As in `store_config`: "default" stands for whatever boto3 finds, including a role or a session.
    profile = settings.upload_s3_profile if settings.upload_s3_profile not in ("", "default") else None
    return StoreConfig(name, region=settings.aws_app_region, profile=profile)


def open_upload_bucket(settings: Settings, bucket: str | None = None) -> Bucket:
    """That bucket, checked. Raises as `open_bucket`, with hints about the DR_UPLOAD settings."""
    opened = Bucket(upload_config(settings, bucket))
    try:
        opened.check()
    except DrError as error:
        hint = error.hint.replace("DR_LOCAL_S3_BUCKET", "DR_UPLOAD_S3_BUCKET")
        raise DrError(error.message, f"{hint} DR_UPLOAD_S3_PROFILE names the profile.".strip()) from error
    return opened
