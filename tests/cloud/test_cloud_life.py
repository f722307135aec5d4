"""`dr cloud status`, `logs`, `pull` and `down` in an account of moto: what a machine leaves, and that nothing stays."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloud_account import BUCKET, REGION

from drcli.cloud import machine_logs

Account, Shell = Any, Any


def report(aws: Account, phase: str, **more: Any) -> None:
    """What the machine writes into the bucket."""
    now = time.time()
    state = {"phase": phase, "started_at": now - 60, "updated_at": now} | more
    aws.put("cloud/fast-1/state.json", json.dumps(state).encode())


def traces(aws: Account) -> list[str]:
    """Everything of drcli in the account that is not a model."""
    ec2, iam = aws.client("ec2"), aws.client("iam")
    mine = [{"Name": "tag-key", "Values": ["drcli"]}]
    return [
        *(entry["InstanceId"] for entry in aws.live()),
        *(group["GroupId"] for group in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]),
        *(disk["VolumeId"] for disk in ec2.describe_volumes(Filters=mine)["Volumes"]),
        *(pair["KeyName"] for pair in ec2.describe_key_pairs(Filters=mine)["KeyPairs"]),
        *(role["RoleName"] for role in iam.list_roles(PathPrefix="/drcli/")["Roles"]),
        *(entry["InstanceProfileName"] for entry in iam.list_instance_profiles()["InstanceProfiles"]),
        *aws.keys("cloud/"),
    ]


def test_status_before_anything(aws: Account, shell: Shell) -> None:
    found = shell.cloud("status")
    assert found.exit_code == 0 and found.stdout == ""
    assert "No machine is running; nothing costs by the hour." in found.stderr
    assert "dr cloud up" in found.stderr


def test_status_and_down(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes", "--hours", "2")
    seen = shell.json("status")
    (machine,), (job,) = seen["machines"], seen["jobs"]
    assert (machine["name"], machine["state"], machine["phase"]) == ("fast-1", "running", "starting")
    assert 1.9 < machine["hours_left"] <= 2 and machine["cost_usd"] >= 0
    assert job["stored"] == f"s3://{BUCKET}/cloud/fast-1/" and job["stored_bytes"] > 1000
    (stored,) = seen["stored"]
    assert stored["size_bytes"] >= job["stored_bytes"] and 0 < stored["usd_per_month"] < 1
    assert any(words.startswith("role drcli-") for words in seen["leftovers"])
    report(aws, "running", message="Lap 3.")
    shown = shell.cloud("status")
    assert "running: `dr start-training`" in shown.stdout and "Lap 3." in shown.stdout
    assert "next: dr cloud logs -f" in shown.stderr

    declined = shell.cloud("down", answer="n\n")
    assert declined.exit_code == 1 and len(aws.live()) == 1
    assert "fast-1: c7i.xlarge" in declined.stderr and "End it?" in declined.stderr
    ended = shell.cloud("down", "--yes")
    assert "is ending" in ended.stdout and aws.live() == []
    again = shell.cloud("down", "--yes")
    assert again.exit_code == 0 and "No machine is running" in again.stderr
    assert "lost" in shell.cloud("status").stdout  # it had reported to be at work


def test_down_of_one_of_two(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    seen = shell.json("up", "--yes", "--name", "second")
    assert seen["already_running"] == ["fast-1"]
    assert shell.cloud("down", "fast-1", "--yes").exit_code == 0
    (left,) = aws.live()
    assert left["InstanceId"] == seen["instance"]


def test_down_all_removes_every_trace_but_no_model(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    aws.put("fast-1/model/0_Step-1.ckpt", b"0")
    assert traces(aws)
    declined = shell.cloud("down", "--all", answer="n\n")
    assert declined.exit_code == 1 and traces(aws)
    done = shell.cloud("down", "--all", "--yes")
    assert done.exit_code == 0, done.stderr
    for words in ("machine i-", "security group sg-", "role drcli-", "instance profile drcli-", "cloud/ ("):
        assert f"removed {words}" in done.stdout or words in done.stdout
    assert traces(aws) == []
    assert aws.keys() == ["fast-1/model/0_Step-1.ckpt"]
    again = shell.cloud("down", "--all", "--yes")
    assert again.exit_code == 0 and "nothing to remove" in again.stderr


def test_what_others_have_stays_and_is_said(aws: Account, shell: Shell) -> None:
    ec2 = aws.client("ec2")
    tags = [{"Key": "drcli", "Value": "1"}, {"Key": "drcli:workspace", "Value": "another"}]
    tags.append({"Key": "drcli:name", "Value": "theirs"})
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="c7i.xlarge",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    shell.json("up", "--yes")
    assert "Another workspace (another) runs theirs" in shell.cloud("status").stderr
    shell.cloud("down", "--all", "--yes")
    assert len(aws.live()) == 1


def test_a_disk_that_was_left_over_is_said_and_removed(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    (machine,) = aws.live()
    tags = [tag for tag in machine["Tags"] if tag["Key"].startswith("drcli")]
    aws.client("ec2").create_volume(
        AvailabilityZone=machine["Placement"]["AvailabilityZone"],
        Size=30,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    assert any("30 GB (costs $3.00 per month)" in words for words in shell.json("status")["leftovers"])
    assert "removed disk vol-" in shell.cloud("down", "--all", "--yes").stdout
    assert traces(aws) == []


def test_logs(aws: Account, shell: Shell) -> None:
    none = shell.cloud("logs")
    assert none.exit_code == 1 and "There are no jobs" in none.stderr
    shell.json("up", "--yes")
    assert "No log of fast-1 has arrived yet" in shell.cloud("logs").stderr
    aws.put("cloud/fast-1/logs/machine.log", b"installing\n")
    assert shell.cloud("logs").stdout == "installing\n"
    aws.put("cloud/fast-1/logs/run.log", b"iteration 1\n")
    aws.put("cloud/fast-1/logs/run.2.log", b"iteration 7\n")
    assert shell.cloud("logs", "fast-1").stdout == "iteration 7\n"
    assert shell.cloud("logs", "--file", "run.log").stdout == "iteration 1\n"
    assert "machine.log" in shell.cloud("logs", "--list").stdout.splitlines()
    missing = shell.cloud("logs", "--file", "other.log")
    assert missing.exit_code == 1 and "There are: machine.log" in missing.stderr
    assert shell.cloud("logs", "second").exit_code == 1


def test_logs_are_followed_until_the_machine_has_ended(
    aws: Account, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.json("up", "--yes")
    aws.put("cloud/fast-1/logs/run.log", b"iteration 1\n")
    contents = [b"iteration 1\niteration 2\n", b"iteration 2\niteration 3\n"]  # the second has lost its start

    def next_minute(_seconds: float) -> None:
        aws.put("cloud/fast-1/logs/run.log", contents.pop(0))
        if not contents:
            shell.cloud("down", "--yes")

    monkeypatch.setattr(machine_logs, "sleep", next_minute)
    monkeypatch.setattr(machine_logs, "_TAIL_BYTES", 12)
    found = shell.cloud("logs", "-f")
    assert found.stdout.splitlines() == ["iteration 1", "iteration 2", "iteration 3"]


def test_pull_from_the_workspaces_own_bucket(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    aws.put("cloud/fast-1/logs/run.log", b"iteration 1\n")
    aws.put("fast-1/training_params.yaml", b"WORLD_NAME: tiny\n")
    aws.put("fast-2/training_params.yaml", b"WORLD_NAME: tiny\n")  # of another job in this bucket
    report(aws, "ended", exit_code=0, model_prefix="fast-1")
    seen = shell.json("pull")
    assert seen["models"] == [f"s3://{BUCKET}/fast-1"]
    folder = shell.workspace.data / "cloud/fast-1"
    assert {Path(path) for path in seen["logs"]} == {
        folder / "logs/run.log",
        folder / "job.json",
        folder / "state.json",
    }
    assert (folder / "logs/run.log").read_text() == "iteration 1\n"


def test_pull_to_another_bucket(aws: Account, shell: Shell) -> None:
    """The workspace's bucket is another one; documents of the model then name that one."""
    own = ("--set", "DR_LOCAL_S3_BUCKET=mine")
    place = {"LocationConstraint": REGION}
    aws.client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration=place)
    assert shell.cloud("up", "--yes", "--bucket", BUCKET, *own).exit_code == 0
    files = {
        "training_params.yaml": b"SAGEMAKER_SHARED_S3_BUCKET: racer-models\nSAGEMAKER_SHARED_S3_PREFIX: fast-1\n",
        "reward_function.py": b"def reward_function(params):\n    return 1.0\n",
        "model/model_metadata.json": b"{}",
        "ip/hyperparameters.json": b"{}",
        "model/0_Step-1.ckpt": b"0",
    }
    for name, content in files.items():
        aws.put(f"fast-1/{name}", content)
    done = shell.cloud("pull", "--bucket", BUCKET, *own)
    assert done.exit_code == 0, done.stderr
    assert {key.removeprefix("fast-1/") for key in aws.keys("fast-1/", "mine")} == set(files)
    params = aws.client("s3").get_object(Bucket="mine", Key="fast-1/training_params.yaml")["Body"].read()
    assert b"mine" in params and BUCKET.encode() not in params
    again = shell.cloud("pull", "--bucket", BUCKET, *own)
    assert again.exit_code == 1 and "already exists" in again.stderr
    assert shell.cloud("pull", "-f", "--bucket", BUCKET, *own).exit_code == 0


def test_what_time_has_cost() -> None:
    """Two hours at 10 cents, of which one was at 30: closed form."""
    from drcli.cloud.spot_prices import PriceChange, paid_usd

    start = datetime(2026, 11, 27, tzinfo=UTC).timestamp()
    history = [PriceChange(start - 500, 0.1), PriceChange(start + 3600, 0.3), PriceChange(start + 7200, 9.0)]
    assert paid_usd(history, start, start + 7200) == pytest.approx(0.4)
    assert paid_usd(history, start, start + 1800) == pytest.approx(0.05)
    assert paid_usd(history[1:], start, start + 3600) == pytest.approx(0.3)  # nothing older is known
    assert paid_usd([], start, start + 3600) is None
