"""The role of the machines: what they may do. This one bucket is theirs, and a shell if their owner opens one.

Made once per workspace and bucket, and kept until `dr cloud down --all`: roles cost nothing.
"""

from __future__ import annotations

import json
from typing import Any

from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_place import IAM_PATH, WORKSPACE, CloudPlace, as_tags, tags_of
from drcli.errors import DrError

# docs.aws.amazon.com/systems-manager, "Add Session Manager permissions to an existing IAM role". AWS's own policy
# AmazonSSMManagedInstanceCore would also let machines read the account's parameters.
_SHELL_ACTIONS = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def bucket_policy(bucket: str, partition: str = "aws") -> dict[str, Any]:
    """What a machine may do: list the bucket; read, write and delete its objects."""
    arn = f"arn:{partition}:s3:::{bucket}"
    objects = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": arn},
            {"Effect": "Allow", "Action": [f"s3:{name}" for name in objects], "Resource": f"{arn}/*"},
        ],
    }


def shell_policy() -> dict[str, Any]:
    """What the agent on a machine needs so that its owner may open a shell without an open port."""
    statement = {"Effect": "Allow", "Action": list(_SHELL_ACTIONS), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _trust(partition: str) -> dict[str, Any]:
    service = "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def ensure_role(place: CloudPlace, *, session_manager: bool) -> str:
    """Make the role and its instance profile, or what of them is missing or different; the profile's name.

    session_manager: whether its owner may open a shell on the machine without an open port.
    Raises DrError if another one has this name.
    """
    aws, name = place.aws, place.resource_name
    partition = aws.partition
    existing = _find(place, "get_role", "Role", RoleName=name)
    if existing is None:
        aws.call(
            "iam",
            "create_role",
            RoleName=name,
            Path=IAM_PATH,
            AssumeRolePolicyDocument=json.dumps(_trust(partition)),
            Description="Machines that drcli rents: may use one bucket.",
            Tags=as_tags(place.tags()),
        )
    elif tags_of(existing.get("Tags")).get(WORKSPACE) != place.workspace_id:
        raise DrError(
            f"The account has a role {name} that drcli has not made.", "Rename or delete it, then try again."
        )
    _ensure_policy(place, "bucket", bucket_policy(place.bucket_name, partition))
    if session_manager:
        _ensure_policy(place, "session-manager", shell_policy())
    _ensure_profile(place)
    return name


def _ensure_policy(place: CloudPlace, policy: str, wanted: dict[str, Any]) -> None:
    name = place.resource_name
    found = _find(place, "get_role_policy", "PolicyDocument", RoleName=name, PolicyName=policy)
    if found != wanted:
        document = json.dumps(wanted)
        place.aws.call("iam", "put_role_policy", RoleName=name, PolicyName=policy, PolicyDocument=document)


def _ensure_profile(place: CloudPlace) -> None:
    aws, name = place.aws, place.resource_name
    profile = _find(place, "get_instance_profile", "InstanceProfile", InstanceProfileName=name)
    if profile is None:
        aws.call(
            "iam",
            "create_instance_profile",
            InstanceProfileName=name,
            Path=IAM_PATH,
            Tags=as_tags(place.tags()),
        )
    if name not in [role["RoleName"] for role in (profile or {}).get("Roles", ())]:
        aws.call("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)


def remove_role(place: CloudPlace) -> list[str]:
    """Delete the instance profile and the role, as far as they exist; what was deleted, for people."""
    aws, name = place.aws, place.resource_name
    removed = []
    profile = _find(place, "get_instance_profile", "InstanceProfile", InstanceProfileName=name)
    if profile is not None:
        for role in profile.get("Roles", ()):
            aws.call(
                "iam",
                "remove_role_from_instance_profile",
                InstanceProfileName=name,
                RoleName=role["RoleName"],
            )
        aws.call("iam", "delete_instance_profile", InstanceProfileName=name)
        removed.append(f"instance profile {name}")
    role = _find(place, "get_role", "Role", RoleName=name)
    if role is not None and tags_of(role.get("Tags")).get(WORKSPACE) == place.workspace_id:
        for policy in aws.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
            aws.call("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
        aws.call("iam", "delete_role", RoleName=name)
        removed.append(f"role {name}")
    return removed


def role_parts(place: CloudPlace) -> list[str]:
    """What of role and profile exists, for people."""
    name = place.resource_name
    asked = {
        f"role {name}": ("get_role", "Role", "RoleName"),
        f"instance profile {name}": ("get_instance_profile", "InstanceProfile", "InstanceProfileName"),
    }
    return [
        words
        for words, (operation, key, argument) in asked.items()
        if _find(place, operation, key, **{argument: name}) is not None
    ]


def _find(place: CloudPlace, operation: str, key: str, **wanted: str) -> Any:
    """A part of the answer; None if what is asked for does not exist."""
    try:
        return place.aws.call("iam", operation, **wanted)[key]
    except AwsError as error:
        if error.is_missing:
            return None
        raise
