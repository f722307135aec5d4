"""What a rented machine changes in an unpacked workspace: the bucket, who reads it, and no Docker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from drcli.cloud.cloud_job import CloudJob
from drcli.config import envfile
from drcli.paths import Workspace
from drcli.workspace.env_edit import Edit, edited


def machine_values(job: CloudJob) -> dict[str, str]:
    """The settings of the machine that are not those of the workspace; the rest stays as the user has set it."""
    store = {"DR_CLOUD": "aws", "DR_REMOTE_MINIO_URL": ""}
    if job.endpoint_url:
        store = {"DR_CLOUD": "remote", "DR_REMOTE_MINIO_URL": job.endpoint_url}
    return store | {
        "DR_LOCAL_S3_BUCKET": job.bucket,
        "DR_AWS_APP_REGION": job.region,
        # Whatever boto3 finds: the role of the machine.
        "DR_LOCAL_S3_PROFILE": "default",
        "DR_UPLOAD_S3_PROFILE": "default",
        "DR_LOCAL_ACCESS_KEY_ID": "",
        "DR_LOCAL_SECRET_ACCESS_KEY": "",
        "DR_MINIO_URL": "",
        "DR_DOCKER_STYLE": "process",
    }


def settle(workspace: Workspace, job: CloudJob) -> None:
    """Write these settings into `system.env`, and over what run.env files say about them.

    Raises DrError if a file cannot be read or written.
    """
    values = machine_values(job)
    _set(workspace.system_env, values)
    for path in _run_envs(workspace.root):
        found, _ = envfile.parse(path.read_bytes(), path.name)
        _set(path, {item.key: values[item.key] for item in found if item.key in values})


def allowed_overrides(job: CloudJob) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The job's KEY=VALUE texts, and those that contradict the machine and are left out."""
    values = machine_values(job)
    refused = tuple(text for text in job.overrides if text.partition("=")[0] in values)
    return tuple(text for text in job.overrides if text not in refused), refused


def _run_envs(root: Path) -> Iterator[Path]:
    for path in (root / "run.env", *sorted(root.glob("experiments/*/run.env"))):
        if path.is_file():
            yield path


def _set(path: Path, values: dict[str, str]) -> None:
    before = path.read_bytes() if path.is_file() else b""
    after, lines = edited(before, values, path.name)
    if not path.is_file():
        path.write_bytes(b"")
    Edit(path, before, after, lines).write()
