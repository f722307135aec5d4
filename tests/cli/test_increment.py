"""`dr increment-training` and `dr increment-upload-model`, with a real bucket to wipe in."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server

Dr = Callable[..., Result]
RUN = "# mine\nDR_LOCAL_S3_MODEL_PREFIX=model-0 # now\n"


@pytest.fixture
def bucket(workspace: Workspace, free_port: int) -> Bucket:
    bucket = Bucket(ensure_server(workspace, free_port, "bucket"))
    for key in ("model-0/a", "model-1/a", "model-1/b/c", "model-10/a", "model-1x/a"):
        bucket.put(key, b"x")
    return bucket


@pytest.fixture
def dr(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    workspace.run_env.write_text(RUN)
    monkeypatch.chdir(workspace.root)

    def run(*words: str, said: str = "") -> Result:
        return CliRunner().invoke(main, words, input=said, catch_exceptions=False)

    return run


def keys(bucket: Bucket) -> list[str]:
    return [info.key for info in bucket.list()]


def test_shows_the_change_and_asks(dr: Dr, workspace: Workspace) -> None:
    answer = dr("increment-training", said="n\n")
    assert answer.exit_code == 1
    assert (
        "  -DR_LOCAL_S3_MODEL_PREFIX=model-0 # now\n  +DR_LOCAL_S3_MODEL_PREFIX=model-1 # now\n"
        in answer.stderr
    )
    assert "Change run.env: DR_LOCAL_S3_MODEL_PREFIX from model-0 to model-1?" in answer.stderr
    assert workspace.run_env.read_text() == RUN
    answer = dr("increment-training", said="y\n")
    assert answer.exit_code == 0
    assert answer.stdout == "Changed DR_LOCAL_S3_MODEL_PREFIX from model-0 to model-1.\n"
    assert "next: dr start-training" in answer.stderr
    assert workspace.run_env.read_text() == (
        "# mine\nDR_LOCAL_S3_MODEL_PREFIX=model-1 # now\n"
        "DR_LOCAL_S3_PRETRAINED=True\nDR_LOCAL_S3_PRETRAINED_PREFIX=model-0\n"
    )


def test_a_dry_run_and_json(dr: Dr, workspace: Workspace) -> None:
    found = json.loads(dr("increment-training", "--dry-run", "--json", "-p", "wet/1").stdout)
    assert (found["setting"], found["old"], found["new"]) == ("DR_LOCAL_S3_MODEL_PREFIX", "model-0", "wet/1")
    assert workspace.run_env.read_text() == RUN


def test_wipes_exactly_what_was_shown(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    answer = dr("increment-training", "-w", said="y\nn\n")
    assert answer.exit_code == 1
    assert "2 objects (" in answer.stderr and "under model-1/ in the bucket bucket" in answer.stderr
    assert "\n  model-1/a\n  model-1/b/c\n" in answer.stderr
    assert workspace.run_env.read_text() == RUN  # both or neither
    assert len(keys(bucket)) == 5
    answer = dr("increment-training", "-w", said="y\ny\n")
    assert answer.exit_code == 0
    assert "Deleted 2 objects under model-1/." in answer.stdout
    assert keys(bucket) == ["model-0/a", "model-10/a", "model-1x/a"]


def test_nothing_is_wiped_when_the_change_fails(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    answer = dr("increment-training", "-f", "-w", "-p", "model-1/../model-10")
    assert answer.exit_code == 2
    assert len(keys(bucket)) == 5
    assert workspace.run_env.read_text() == RUN


def test_force_with_wipe_as_deepracer_for_cloud_writes_it(dr: Dr, bucket: Bucket) -> None:
    assert dr("increment-training", "-fw", "-d", "_").exit_code == 0
    assert keys(bucket) == ["model-0/a", "model-10/a", "model-1x/a"]


def test_the_upload(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    answer = dr("increment-upload-model", "-f")
    assert answer.stdout == "Changed DR_UPLOAD_S3_PREFIX from model-0-1 to model-0-2.\n"
    assert workspace.run_env.read_text() == RUN + "DR_UPLOAD_S3_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX-2\n"
    answer = dr("increment-upload-model", "-f", "-w")
    assert answer.exit_code == 2
    assert "DR_UPLOAD_S3_BUCKET is not-defined" in answer.stderr


def test_the_upload_wipes_in_the_upload_bucket_alone(
    dr: Dr, workspace: Workspace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Bucket(ensure_server(workspace, bucket_port(bucket), "uploads"))
    other.ensure_bucket()
    for key in ("up-2/a", "up-20/a"):
        other.put(key, b"x")
        bucket.put(key, b"x")
    config = workspace.root / "aws"
    config.write_text(
        f"[profile up]\nendpoint_url = {bucket.config.endpoint_url}\naws_access_key_id = {bucket.config.access_key}\n"
        f"aws_secret_access_key = {bucket.config.secret_key}\ns3 =\n  addressing_style = path\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with workspace.system_env.open("a") as file:
        file.write("DR_UPLOAD_S3_BUCKET=uploads\nDR_UPLOAD_S3_PROFILE=up\n")
    workspace.run_env.write_text(RUN + "DR_UPLOAD_S3_PREFIX=up-1\n")
    answer = dr("increment-upload-model", "-f", "-w")
    assert answer.exit_code == 0, answer.stderr
    assert "Deleted 1 object under up-2/." in answer.stdout
    assert keys(other) == ["up-20/a"]
    assert {"up-2/a", "up-20/a"} <= set(keys(bucket))


def bucket_port(bucket: Bucket) -> int:
    return int((bucket.config.endpoint_url or "").rpartition(":")[2])


def test_a_broken_run_env(dr: Dr, workspace: Workspace) -> None:
    workspace.run_env.write_text("nonsense\n")
    answer = dr("increment-training", "-f")
    assert answer.exit_code == 2
    assert "run.env:1: not an assignment" in answer.stderr
    assert workspace.run_env.read_text() == "nonsense\n"
