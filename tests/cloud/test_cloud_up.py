"""`dr cloud up` in an account of moto: what is shown, uploaded, made and started."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from cloud_account import BUCKET, REGION

Account, Shell = Any, Any


def tags(entry: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in entry[key]}


def group_of(machine: dict[str, Any]) -> str:
    (group,) = machine["NetworkInterfaces"][0]["Groups"]
    return str(group["GroupId"])


def test_it_asks_and_shows_what_it_costs(aws: Account, shell: Shell) -> None:
    found = shell.cloud("up", "--hours", "2", answer="n\n")
    assert found.exit_code == 1
    assert "c7i.xlarge" in found.stdout and "4 vCPUs, 8 GB" in found.stdout
    assert "$0.20" in found.stdout  # on demand
    assert "$0.43" in found.stdout  # at most: 2 h at that price, with disk and address
    assert "Open ports: none" in found.stderr
    assert "Start it?" in found.stderr
    assert aws.instances() == [] and aws.keys("cloud/") == []
    assert aws.client("iam").list_roles(PathPrefix="/drcli/")["Roles"] == []


def test_a_dry_run_changes_nothing(aws: Account, shell: Shell) -> None:
    seen = shell.json("up", "--dry-run", "--hours", "3", "--type", "c7i.xlarge", "--type", "g5.xlarge")
    assert [offer["type"] for offer in seen["offers"]] == ["c7i.xlarge"] * 3 + ["g5.xlarge"] * 3
    first = seen["offers"][0]
    assert first["on_demand_usd_per_hour"] == pytest.approx(0.2038)
    assert first["most_usd"] == pytest.approx(3 * (0.2038 + 0.005 + first["disk_gb"] * 0.1 / 730))
    assert seen["offers"][3]["gpu"] == "1 × NVIDIA A10G"
    assert seen["offers"][3]["image"] != first["image"]
    assert aws.instances() == [] and aws.keys() == []


def test_the_machine(aws: Account, shell: Shell) -> None:
    seen = shell.json("up", "--yes", "--hours", "2", "--zone", "eu-central-1b")
    (machine,) = aws.live()
    assert machine["InstanceId"] == seen["instance"]
    assert machine["InstanceType"] == "c7i.xlarge" and machine["InstanceLifecycle"] == "spot"
    assert machine["Placement"]["AvailabilityZone"] == "eu-central-1b"
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    own = tags(machine)
    assert own["drcli:name"] == "fast-1" and own["drcli:hours"] == "2" and own["drcli"]
    ec2 = aws.client("ec2")
    behaviour = ec2.describe_instance_attribute(
        InstanceId=machine["InstanceId"], Attribute="instanceInitiatedShutdownBehavior"
    )
    assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    (disk,) = ec2.describe_volumes()["Volumes"]
    assert disk["Encrypted"] and disk["VolumeType"] == "gp3"
    assert tags(disk)["drcli:workspace"] == own["drcli:workspace"]
    (group,) = ec2.describe_security_groups(GroupIds=[group_of(machine)])["SecurityGroups"]
    assert group["IpPermissions"] == [] and tags(group)["drcli:workspace"] == own["drcli:workspace"]


def test_its_script_arms_the_time_to_live(aws: Account, shell: Shell) -> None:
    import base64

    shell.json("up", "--yes", "--hours", "2")
    (machine,) = aws.live()
    found = aws.client("ec2").describe_instance_attribute(
        InstanceId=machine["InstanceId"], Attribute="userData"
    )
    script = base64.b64decode(found["UserData"]["Value"]).decode()
    assert script.startswith("#!/bin/bash") and "shutdown" in script
    assert BUCKET in script and "cloud/fast-1/job.json" in script


def test_what_is_uploaded(aws: Account, shell: Shell) -> None:
    with (shell.root / "system.env").open("a") as file:
        file.write("DR_LOCAL_SECRET_ACCESS_KEY=\n")
    (shell.root / "data/big.bin").write_bytes(b"0")
    shell.json("up", "--yes", "--set", "DR_TRAIN_MAX_MINUTES=5")
    job = aws.document("cloud/fast-1/job.json")
    assert job["command"] == ["start-training"] and job["overrides"] == ["DR_TRAIN_MAX_MINUTES=5"]
    assert (job["bucket"], job["region"], job["hours"], job["resume"]) == (BUCKET, REGION, 3.0, False)
    packed = aws.client("s3").get_object(Bucket=BUCKET, Key="cloud/fast-1/workspace.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        names = archive.getnames()
    assert {"system.env", "run.env", "custom_files/reward_function.py", "data/tracks/tiny.yaml"} <= set(names)
    assert "data/big.bin" not in names
    (wheel,) = [key for key in aws.keys("cloud/fast-1/") if key.endswith(".whl")]
    assert wheel.startswith("cloud/fast-1/drcli-") and wheel.endswith("-py3-none-any.whl")


def write_sweep(shell: Shell, name: str, text: str = "grid: {seed: [1, 2]}\n") -> None:
    (shell.root / f"{name}.yaml").write_text(text)


def test_the_role_may_use_one_bucket_only(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    iam = aws.client("iam")
    (role,) = iam.list_roles(PathPrefix="/drcli/")["Roles"]
    policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="bucket")["PolicyDocument"]
    resources = {statement["Resource"] for statement in policy["Statement"]}
    assert resources == {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert "*" not in "".join(actions) and all(action.startswith("s3:") for action in actions)
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    names = {"RoleName": role["RoleName"], "PolicyName": "session-manager"}
    shell_policy = iam.get_role_policy(**names)["PolicyDocument"]
    actions = {action for statement in shell_policy["Statement"] for action in statement["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"ssm", "ssmmessages"}
    assert not [action for action in actions if "Parameter" in action]
    (profile,) = iam.list_instance_profiles(PathPrefix="/drcli/")["InstanceProfiles"]
    assert [entry["RoleName"] for entry in profile["Roles"]] == [role["RoleName"]]
    (machine,) = aws.live()
    assert machine["IamInstanceProfile"]["Arn"] == profile["Arn"]


def test_role_and_group_are_used_again_and_corrected(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes")
    iam, ec2 = aws.client("iam"), aws.client("ec2")
    (role,) = iam.list_roles(PathPrefix="/drcli/")["Roles"]
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="bucket", PolicyDocument=json.dumps(wide))
    group = group_of(aws.live()[0])
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )
    shell.json("up", "--yes", "--name", "second")
    assert {group_of(machine) for machine in aws.live()} == {group}
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []
    policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="bucket")["PolicyDocument"]
    assert "*" not in [statement["Resource"] for statement in policy["Statement"]]
    assert len(iam.list_roles(PathPrefix="/drcli/")["Roles"]) == 1


def test_ssh_from_one_address(aws: Account, shell: Shell) -> None:
    key = shell.root / "id.pub"
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    public = ed25519.Ed25519PrivateKey.generate().public_key()
    formats = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    key.write_bytes(public.public_bytes(*formats))
    shell.json("up", "--yes", "--ssh-from", "203.0.113.5", "--ssh-key", str(key))
    (machine,) = aws.live()
    group = group_of(machine)
    (rule,) = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0][
        "IpPermissions"
    ]
    assert (rule["FromPort"], rule["ToPort"]) == (22, 22)
    assert [span["CidrIp"] for span in rule["IpRanges"]] == ["203.0.113.5/32"]
    assert machine["KeyName"].startswith("drcli-")
    (role,) = aws.client("iam").list_roles(PathPrefix="/drcli/")["Roles"]
    assert aws.client("iam").list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []


def test_resume(aws: Account, shell: Shell) -> None:
    shell.json("up", "--yes", "--set", "DR_TRAIN_MAX_MINUTES=5")
    same = shell.cloud("up", "--resume", "--yes")
    assert same.exit_code == 1 and "fast-1 is already running" in same.stderr
    shell.cloud("down", "--yes")
    aws.put("fast-1/model/0_Step-1.ckpt", b"0")
    aws.put("cloud/fast-1/logs/run.log", b"the first machine")
    aws.put("cloud/fast-1/state.json", json.dumps({"phase": "interrupted"}).encode())
    seen = shell.json("up", "--resume", "--yes", "--hours", "1")
    assert seen["resume"] and seen["command"] == ["start-training"]
    job = aws.document("cloud/fast-1/job.json")
    assert job["resume"] and job["hours"] == 1 and job["overrides"] == ["DR_TRAIN_MAX_MINUTES=5"]
    assert "cloud/fast-1/logs/run.log" in aws.keys("cloud/")
    assert "cloud/fast-1/state.json" not in aws.keys("cloud/")
    assert len(aws.live()) == 1


def test_nothing_to_resume(aws: Account, shell: Shell) -> None:
    found = shell.cloud("up", "--resume", "--yes")
    assert found.exit_code == 1
    assert "There are no jobs" in found.stderr and aws.instances() == []
    found = shell.cloud("up", "--resume", "--yes", "--name", "slow")
    assert "no cloud/slow/job.json" in found.stderr and aws.instances() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--type", "nonsense.large"], "nonsense.large"),
        (["--type", "hpc7a.12xlarge"], "no spot machines of this type"),
        (["--zone", "eu-central-1x"], "no zone eu-central-1x"),
        (["--name", "Not a name"], "not a valid name"),
        (["--set", "DR_LOCAL_SECRET_ACCESS_KEY=x"], "is a credential"),
        (["--set", "DR_WORLD_NAME=nowhere"], "nowhere"),
        (["--set", "DR_SIMAPP_SOURCE=someone/simapp"], "has no Docker"),
        (["--ssh-from", "everywhere"], "not an IPv4 address"),
        (["--", "models"], "does not run `dr models`"),
        (["--", "start-training", "--wip"], "No such option"),
        (["--", "sweep", "speeds.yaml", "--dry-run"], "needs no rented machine"),
        (["--", "sweep", "/dev/null"], "is not in the workspace"),
        (["--", "sweep", "broken.yaml"], "broken.yaml:2"),
    ],
    ids=" ".join,
)
def test_refused_before_anything_is_made(aws: Account, shell: Shell, words: list[str], said: str) -> None:
    write_sweep(shell, "broken", "settings:\n  DR_TRAIN_MAX_MINUTES: soon\ngrid: {seed: [1]}\n")
    write_sweep(shell, "speeds")
    found = shell.cloud("up", "--yes", *words)
    assert found.exit_code in (1, 2) and said in found.stderr, found.stderr
    assert aws.instances() == [] and aws.keys("cloud/") == []


def test_a_model_that_exists_is_not_trained_over(aws: Account, shell: Shell) -> None:
    aws.put("fast-1/model/0_Step-1.ckpt", b"0")
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 1 and "The model fast-1 already exists" in found.stderr
    assert aws.instances() == []
    assert shell.cloud("up", "--yes", "--", "start-training", "-w", "-y").exit_code == 0


def test_a_sweep_is_checked_here_and_sent_along(aws: Account, shell: Shell) -> None:
    write_sweep(shell, "speeds")
    aws.put("speeds-s2/model/0_Step-1.ckpt", b"0")
    refused = shell.cloud("up", "--yes", "--", "sweep", "speeds.yaml")
    assert refused.exit_code == 1 and "speeds-s2 already exists" in refused.stderr
    assert aws.instances() == []
    assert shell.cloud("up", "--yes", "--", "sweep", "speeds.yaml", "-w").exit_code == 0
    assert aws.document("cloud/speeds/job.json")["command"] == ["sweep", "speeds.yaml", "-w"]
    packed = aws.client("s3").get_object(Bucket=BUCKET, Key="cloud/speeds/workspace.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert "speeds.yaml" in archive.getnames()
    assert list(shell.workspace.sweeps.glob("*")) == []
    assert shell.cloud("down", "--yes").exit_code == 0
    resumed = shell.cloud("up", "--yes", "--resume")
    assert resumed.exit_code == 0 and "Resumes `dr sweep speeds.yaml -w` as speeds" in resumed.stderr


def test_a_workspace_with_a_bucket_of_its_own_names_one_on_aws(aws: Account, shell: Shell) -> None:
    local = ("--set", "DR_CLOUD=local")
    refused = shell.cloud("up", "--yes", *local)
    assert refused.exit_code == 2 and "Name one with --bucket" in refused.stderr
    seen = shell.json("up", "--yes", "--bucket", BUCKET, "--set", "DR_CLOUD=local")
    assert seen["bucket"] == BUCKET
    found = shell.json("status", "--set", "DR_CLOUD=local")
    assert [machine["name"] for machine in found["machines"]] == ["fast-1"]
