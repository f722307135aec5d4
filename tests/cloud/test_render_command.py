"""`dr cloud render`: files for SkyPilot and AWS Batch, and a job in the bucket that their machines do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from moto import mock_aws

from drcli.cli import main
from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.cloud_render import BATCH_FILES

REGION, BUCKET = "eu-west-1", "racer-models"
BATCH = ("--subnet", "subnet-1", "--security-group", "sg-1", "--instance-role", "ecsInstanceRole")
BATCH += ("--job-role", "arn:aws:iam::123456789012:role/racer")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with chdir(tmp_path):
        assert CliRunner().invoke(main, ["init", "ws"]).exit_code == 0
    with (tmp_path / "ws" / "system.env").open("a") as file:
        file.write(f"DR_CLOUD=aws\nDR_LOCAL_S3_BUCKET={BUCKET}\nDR_AWS_APP_REGION={REGION}\n")
    return tmp_path / "ws"


def render(root: Path, *words: str) -> Result:
    with chdir(root):
        return CliRunner().invoke(main, ["cloud", "render", *words], catch_exceptions=False)


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_a_task_for_skypilot(s3: Any, root: Path) -> None:
    done = render(root, "sky", "--name", "night", "--hours", "2", "--set", "DR_SEED=1")
    assert done.exit_code == 0, done.stderr
    path = root / "data" / "cloud" / "night" / "sky.yaml"
    assert done.stdout.strip() == str(path)
    assert "\n  #!/bin/bash\n" in path.read_text()  # for people, too
    task = yaml.safe_load(path.read_text())
    assert (task["name"], task["resources"]["use_spot"], task["resources"]["infra"]) == (
        "night",
        True,
        f"aws/{REGION}",
    )
    stored = keys(s3)
    (wheel,) = (key for key in stored if key.endswith(".whl"))
    assert wheel in task["setup"] and "MINUTES=120" in task["run"]
    job = CloudJob.from_json(s3.get_object(Bucket=BUCKET, Key="cloud/night/job.json")["Body"].read())
    assert (job.command, job.overrides, job.hours) == (("start-training",), ("DR_SEED=1",), 2.0)
    assert job.keys.workspace in stored


def test_documents_for_batch(s3: Any, root: Path, tmp_path: Path) -> None:
    (root / "a.yaml").write_text("grid: {seed: [1, 2]}\n")
    done = render(
        root, "batch", *BATCH, "--name", "night", "-o", str(tmp_path / "out"), "--", "sweep", "a.yaml"
    )
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(BATCH_FILES)
    definition = json.loads((tmp_path / "out" / "job-definition.json").read_text())
    assert definition["jobDefinitionName"] == "drcli-night"
    assert "aws batch submit-job --region eu-west-1 --job-name night" in done.stderr
    job = CloudJob.from_json(s3.get_object(Bucket=BUCKET, Key="cloud/night/job.json")["Body"].read())
    assert job.command == ("sweep", "a.yaml")


@pytest.mark.parametrize("words", [("sky",), ("batch", *BATCH)])
def test_a_dry_run_stores_nothing(s3: Any, root: Path, words: tuple[str, ...]) -> None:
    done = render(root, *words, "-d")
    assert done.exit_code == 0, done.stderr
    assert yaml.safe_load(done.stdout)
    assert keys(s3) == [] and not (root / "data" / "cloud").exists()


def test_a_run_that_cannot_work_is_refused(s3: Any, root: Path) -> None:
    (root / "custom_files" / "reward_function.py").write_text("def reward_function(params)\n    return 1\n")
    done = render(root, "sky")
    assert done.exit_code != 0 and "reward_function.py" in done.stderr
    assert keys(s3) == []


def test_a_job_that_is_at_work_is_left_alone(s3: Any, root: Path) -> None:
    state = CloudState("running", machine="i-0123", updated_at=time.time())
    s3.put_object(Bucket=BUCKET, Key="cloud/night/state.json", Body=state.to_json())
    done = render(root, "sky", "--name", "night")
    assert done.exit_code == 2 and "The job night is running on i-0123" in done.stderr
    assert keys(s3) == ["cloud/night/state.json"]
    state = replace(state, phase="interrupted")
    s3.put_object(Bucket=BUCKET, Key="cloud/night/state.json", Body=state.to_json())
    assert render(root, "sky", "--name", "night").exit_code == 0
