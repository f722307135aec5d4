"""What `dr cloud` says on bad days: what happened, what is running, what it costs. Errors are as AWS words them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from cloud_account import BUCKET, ec2_error, query_error

from drcli.cloud import aws_clients

Account, Shell = Any, Any
NOTHING = "nothing is running, and nothing costs by the hour"
CAPACITY = "We currently do not have sufficient c7i.xlarge capacity in the Availability Zone you requested."


def on_start(respond: Any, *, types: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> Any:
    """Only for real starts (not for the question whether one is allowed), of these types and in these zones."""

    def hook(request: Any, **more: Any) -> Any:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        is_meant = not types or any(f"InstanceType={name}" in body for name in types)
        is_meant = is_meant and (not zones or any(f"AvailabilityZone={name}" in body for name in zones))
        return respond(request, **more) if is_meant and "DryRun=true" not in body else None

    return hook


def test_no_credentials(aws: Account, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_clients._client.cache_clear()
    with monkeypatch.context() as without:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
            without.delenv(name, raising=False)
        for words in (["up", "--yes"], ["status"], ["down", "--yes"]):
            found = shell.cloud(*words)
            assert found.exit_code == 1
            assert "There are no AWS credentials" in found.stderr and "aws configure" in found.stderr


def test_no_such_profile(aws: Account, shell: Shell) -> None:
    found = shell.cloud("status", "--profile", "nobody")
    assert found.exit_code == 1 and "There is no AWS profile nobody" in found.stderr


def test_expired_credentials(aws: Account, shell: Shell) -> None:
    aws.on("sts.GetCallerIdentity", query_error("ExpiredToken", "The security token has expired"))
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 1
    assert "have expired (ExpiredToken)" in found.stderr and "aws sso login" in found.stderr


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed"])
def test_a_clock_that_is_slow(aws: Account, shell: Shell, code: str) -> None:
    there = (datetime.now(UTC) + timedelta(minutes=42)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    aws.on("sts.GetCallerIdentity", query_error(code, "Signature not yet current", date=there))
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 1
    assert "The clock of this machine is 42 minutes slow" in found.stderr
    assert "timedatectl" in found.stderr


def test_a_wrong_secret_key_is_not_the_clock(aws: Account, shell: Shell) -> None:
    aws.on("sts.GetCallerIdentity", query_error("SignatureDoesNotMatch", "The signature does not match."))
    found = shell.cloud("up", "--yes")
    assert "does not accept the credentials" in found.stderr and "clock" not in found.stderr


def test_a_missing_permission_is_named(aws: Account, shell: Shell) -> None:
    aws.on(
        "iam.CreateRole",
        query_error("AccessDenied", "User: arn:x is not authorized to perform: iam:CreateRole on"),
    )
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 1
    assert "AWS does not allow iam:CreateRole" in found.stderr and "docs/cloud.md" in found.stderr
    assert NOTHING in found.stderr and aws.instances() == []


def test_a_permission_for_machines_is_asked_for_before_anything_is_made(aws: Account, shell: Shell) -> None:
    aws.on("ec2.RunInstances", ec2_error("UnauthorizedOperation", "You are not authorized.", 403))
    found = shell.cloud("up", "--yes")
    assert "AWS does not allow ec2:RunInstances" in found.stderr
    assert aws.keys("cloud/") == [] and aws.client("iam").list_roles(PathPrefix="/drcli/")["Roles"] == []


def test_no_spot_before_in_this_account(aws: Account, shell: Shell) -> None:
    code = "AuthFailure.ServiceLinkedRoleCreationNotPermitted"
    aws.on(
        "ec2.RunInstances", on_start(ec2_error(code, "The provided credentials do not have permission.", 403))
    )
    assert "AWS does not allow iam:CreateServiceLinkedRole" in shell.cloud("up", "--yes").stderr


@pytest.mark.parametrize(
    ("kind", "quota"),
    [("c7i.xlarge", "L-34B43A08"), ("g5.xlarge", "L-3819A6DF"), ("p4d.24xlarge", "L-7212CCBC")],
)
def test_no_quota(aws: Account, shell: Shell, kind: str, quota: str) -> None:
    error = ec2_error("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    tried: list[str] = []

    def refuse(request: Any, **more: Any) -> Any:
        if f"InstanceType={kind}" not in str(request.body):
            return None
        tried.append(kind)
        return error(request, **more)

    aws.on("ec2.RunInstances", on_start(refuse))
    found = shell.cloud("up", "--yes", "--type", kind)
    assert found.exit_code == 1 and NOTHING in found.stderr
    assert quota in found.stderr and f"servicequotas/home/services/ec2/quotas/{quota}" in found.stderr
    shell.json("up", "--yes", "--type", "m7i.xlarge" if kind[0] != "c" else "g6.xlarge", "--name", "before")
    again = shell.cloud("up", "--yes", "--type", kind)
    assert "No machine was started; still running: before." in again.stderr
    assert len(tried) == 2  # other zones have the same quota


def test_a_type_of_another_quota_is_tried(aws: Account, shell: Shell) -> None:
    aws.on("ec2.RunInstances", on_start(ec2_error("VcpuLimitExceeded"), types=("g5.xlarge",)))
    found = shell.cloud("up", "--yes", "--type", "g5.xlarge", "--type", "c7i.xlarge")
    assert found.exit_code == 0, found.stderr
    assert "L-3819A6DF" in found.stderr
    assert [machine["InstanceType"] for machine in aws.live()] == ["c7i.xlarge"]


def test_no_capacity_in_a_zone(aws: Account, shell: Shell) -> None:
    respond = ec2_error("InsufficientInstanceCapacity", CAPACITY, 500)
    aws.on("ec2.RunInstances", on_start(respond, zones=("eu-central-1a", "eu-central-1b")))
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 0 and "No c7i.xlarge in eu-central-1a" in found.stderr
    (machine,) = aws.live()
    assert machine["Placement"]["AvailabilityZone"] == "eu-central-1c"


def test_no_capacity_of_a_type(aws: Account, shell: Shell) -> None:
    respond = ec2_error("InsufficientInstanceCapacity", CAPACITY, 500)
    aws.on("ec2.RunInstances", on_start(respond, types=("c7i.xlarge",)))
    assert shell.cloud("up", "--yes", "--type", "c7i.xlarge", "--type", "m7i.xlarge").exit_code == 0
    assert [machine["InstanceType"] for machine in aws.live()] == ["m7i.xlarge"]


def test_no_capacity_at_all(aws: Account, shell: Shell) -> None:
    aws.on("ec2.RunInstances", on_start(ec2_error("InsufficientInstanceCapacity", CAPACITY, 500)))
    found = shell.cloud("up", "--yes", "--zone", "eu-central-1a")
    assert found.exit_code == 1 and NOTHING in found.stderr
    assert "no capacity now for c7i.xlarge in eu-central-1a (InsufficientInstanceCapacity)" in found.stderr
    assert "--type" in found.stderr and aws.live() == []
    assert "No machine is running" in shell.cloud("status").stderr
    assert shell.cloud("down", "--all", "--yes").exit_code == 0 and aws.keys() == []


def test_a_price_above_the_limit(aws: Account, shell: Shell) -> None:
    found = shell.cloud("up", "--yes", "--max-price", "0.000001")
    assert found.exit_code == 1
    assert "above --max-price 1e-06: c7i.xlarge in eu-central-1" in found.stderr
    assert "No machine was started" in found.stderr and aws.instances() == [] and aws.keys("cloud/") == []


def test_a_bucket_in_another_region(aws: Account, shell: Shell) -> None:
    there = {"LocationConstraint": "ap-southeast-2"}
    aws.client("s3", "ap-southeast-2").create_bucket(Bucket="far-away", CreateBucketConfiguration=there)
    found = shell.cloud("up", "--yes", "--bucket", "far-away")
    assert found.exit_code == 1
    assert "far-away is in ap-southeast-2, and the machine would be in eu-central-1" in found.stderr
    assert "--region ap-southeast-2" in found.stderr and aws.instances() == []
    assert "No machine was started" in found.stderr


def test_no_bucket(aws: Account, shell: Shell) -> None:
    found = shell.cloud("up", "--yes", "--bucket", "nobody-has-it")
    assert found.exit_code == 1
    assert "There is no bucket nobody-has-it on AWS" in found.stderr and "aws s3 mb" in found.stderr


def test_no_default_network(aws: Account, shell: Shell) -> None:
    ec2 = aws.client("ec2")
    for net in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=net["SubnetId"])
    found = shell.cloud("up", "--yes")
    assert "has no default network" in found.stderr and "create-default-vpc" in found.stderr


def network_gone(times: int) -> Any:
    """So many requests find no network."""
    left = [times]

    def hook(request: Any, **_: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise EndpointConnectionError(endpoint_url=request.url)

    return hook


def test_a_network_that_is_gone_for_a_minute(aws: Account, shell: Shell) -> None:
    aws.on("ec2.RunInstances", on_start(network_gone(3)))
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 0, found.stderr
    assert found.stderr.count("AWS is unreachable") == 3 and "Trying again in" in found.stderr
    assert len(aws.live()) == 1


def test_a_network_that_stays_away(aws: Account, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.on("ec2.RunInstances", on_start(network_gone(1000)))
    monkeypatch.setattr(aws_clients, "PATIENCE_S", 0.05)
    found = shell.cloud("up", "--yes", "--hours", "2")
    assert found.exit_code == 1
    assert "Whether the machine was started is not known" in found.stderr
    assert "ends itself after 2 h" in found.stderr and "dr cloud status" in found.stderr


def test_a_role_that_ec2_does_not_know_yet(aws: Account, shell: Shell) -> None:
    said = "Value (drcli) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
    left = [2]

    def too_new(request: Any, **more: Any) -> Any:
        left[0] -= 1
        return ec2_error("InvalidParameterValue", said)(request, **more) if left[0] >= 0 else None

    aws.on("ec2.RunInstances", on_start(too_new))
    found = shell.cloud("up", "--yes")
    assert found.exit_code == 0, found.stderr
    assert found.stderr.count("Waiting until EC2 knows the new role") == 2


def test_without_the_price_list_the_price_may_double(aws: Account, shell: Shell) -> None:
    aws.hooks.pop()  # see cloud_account
    import botocore.handlers

    botocore.handlers.BUILTIN_HANDLERS[:] = [
        hook for hook in botocore.handlers.BUILTIN_HANDLERS if hook[0] != "before-send.pricing.GetProducts"
    ]
    aws.on("pricing.GetProducts", query_error("AccessDeniedException", "not authorized", 400))
    seen = shell.json("up", "--dry-run")
    assert seen["offers"][0]["on_demand_usd_per_hour"] is None
    assert seen["offers"][0]["limit_usd_per_hour"] == pytest.approx(2e-5)


def test_the_policy_in_the_docs_allows_what_we_ask_for(aws: Account) -> None:
    """Each request that the code makes is an action of the policy that docs/cloud.md gives to users."""
    import re

    from drcli.cloud.cloud_errors import action_of

    root = Path(__file__).parents[2]
    source = "".join(path.read_text() for path in (root / "drcli/cloud").glob("*.py"))
    calls = set(re.findall(r'"(ec2|iam|ssm|sts|pricing)",\s*"([a-z]+_[a-z_]+)"', source))
    calls |= {
        ("iam", name)
        for name in re.findall(r'"(get_[a-z_]+)"', source)
        if "role" in name or "profile" in name
    }
    document = re.search(r"```json\n(.*?)```", (root / "docs/cloud.md").read_text(), re.DOTALL)
    assert document is not None and len(calls) > 25
    policy = json.loads(document[1])
    allowed = {action for entry in policy["Statement"] for action in entry["Action"]}
    free = {"sts:GetCallerIdentity"}  # needs no permission
    wanted = {action_of(*call) for call in calls} - free
    assert wanted <= allowed, wanted - allowed
    assert {"iam:PassRole", "ec2:CreateTags", "iam:TagRole", "iam:TagInstanceProfile"} <= allowed
    assert BUCKET not in json.dumps(policy)
