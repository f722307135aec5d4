"""Where the machines of a workspace work: a region of AWS and a bucket in it; and the tags that mark what is theirs.

Nothing about machines is remembered on this computer: everything is found again by these tags.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import drcli
from drcli.cloud.aws_clients import Aws
from drcli.cloud.cloud_errors import AwsError
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

MARK = "drcli"  # on everything; its value is the version that made it
WORKSPACE, NAME, BUCKET, REGION = "drcli:workspace", "drcli:name", "drcli:bucket", "drcli:region"
HOURS = "drcli:hours"
IAM_PATH = "/drcli/"
CLOUD_FOLDER = "cloud"


@dataclass(frozen=True)
class CloudPlace:
    """A region and a bucket in it. `workspace_id` marks what belongs to one workspace there."""

    aws: Aws
    bucket: Bucket
    workspace_id: str

    @property
    def bucket_name(self) -> str:
        """The name of the bucket."""
        return self.bucket.config.bucket

    @property
    def resource_name(self) -> str:
        """What the role, the instance profile, the security group and the key pair are called."""
        return f"drcli-{self.workspace_id}"

    def tags(self, name: str = "") -> dict[str, str]:
        """The tags of what is made here; name: of the job, if it is for one job only."""
        own = {MARK: drcli.__version__, WORKSPACE: self.workspace_id}
        own |= {BUCKET: self.bucket_name, REGION: self.aws.region}
        return own | ({NAME: name, "Name": f"drcli {name}"} if name else {})

    def __str__(self) -> str:
        return f"s3://{self.bucket_name} in {self.aws.region}"


def workspace_id(bucket: str, workspace: Workspace) -> str:
    """12 hex digits that stand for this workspace and this bucket, on every computer that has the same folder."""
    return hashlib.sha256(f"{bucket}\0{workspace.root.resolve()}".encode()).hexdigest()[:12]


def account(settings: Settings, aws: Aws) -> Aws:
    """`aws` with the keys of the settings, unless a profile is named: those for the bucket if it is on AWS."""
    if aws.profile:
        return aws
    if settings.cloud != "aws":
        return replace(aws, profile=_named(settings.upload_s3_profile))
    if settings.local_access_key_id:
        keys = settings.local_access_key_id, settings.local_secret_access_key
        return replace(aws, access_key=keys[0], secret_key=keys[1])
    return replace(aws, profile=_named(settings.local_s3_profile))


def _named(profile: str) -> str | None:
    return profile if profile not in ("", "default") else None  # to boto3 "default" must exist


def bucket_of(settings: Settings, named: str) -> str:
    """The bucket on AWS: the one that is named, else the workspace's if it is there; else empty."""
    return named or (settings.local_s3_bucket if settings.cloud == "aws" else "")


def open_place(aws: Aws, bucket: str, workspace: Workspace) -> CloudPlace:
    """The place, unchecked."""
    config = StoreConfig(
        bucket, region=aws.region, access_key=aws.access_key, secret_key=aws.secret_key, profile=aws.profile
    )
    return CloudPlace(aws, Bucket(config), workspace_id(bucket, workspace))


def chosen_place(settings: Settings, workspace: Workspace, aws: Aws, named: str) -> CloudPlace:
    """The place where a machine is to be started. Raises UsageError if no bucket is known."""
    bucket = bucket_of(settings, named)
    if not bucket:
        raise UsageError(
            f"The workspace's bucket is not on AWS (DR_CLOUD={settings.cloud}), and a rented machine needs one there.",
            "Name one with --bucket; `dr cloud pull` then brings the models here.",
        )
    return open_place(aws, bucket, workspace)


def known_places(settings: Settings, workspace: Workspace, aws: Aws, named: str) -> list[CloudPlace]:
    """Where machines of this workspace may be: the named or usual bucket, and every one that has a role of ours.

    A role exists before the first machine does and stays until `dr cloud down --all`.
    """
    first = bucket_of(settings, named)
    places = [open_place(aws, first, workspace)] if first else []
    for tags in roles(aws):
        bucket = tags.get(BUCKET, "")
        if bucket and tags.get(WORKSPACE) == workspace_id(bucket, workspace) and named in ("", bucket):
            there = replace(aws, region=tags.get(REGION, aws.region))
            places = [place for place in places if place.bucket_name != bucket]
            places.append(open_place(there, bucket, workspace))
    return places


def roles(aws: Aws) -> list[dict[str, str]]:
    """The tags of each role that drcli has made in this account, of all workspaces."""
    found = aws.pages("iam", "list_roles", "Roles", PathPrefix=IAM_PATH)
    return [
        tags_of(aws.call("iam", "list_role_tags", RoleName=role["RoleName"]).get("Tags", ()))
        for role in found
    ]


def check_bucket(place: CloudPlace) -> None:
    """Raise DrError unless the bucket exists, is in this region, and we can write to it."""
    try:
        answer = place.aws.call("s3", "get_bucket_location", Bucket=place.bucket_name)
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise
        raise DrError(
            f"There is no bucket {place.bucket_name} on AWS.",
            f"`aws s3 mb s3://{place.bucket_name} --region {place.aws.region}` creates it; "
            "--bucket or DR_LOCAL_S3_BUCKET names another.",
        ) from None
    # "" is the oldest region, "EU" the second
    region = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(
        answer.get("LocationConstraint"), answer.get("LocationConstraint")
    )
    if region != place.aws.region:
        raise DrError(
            f"The bucket {place.bucket_name} is in {region}, and the machine would be in {place.aws.region}: "
            "slow, and every byte between them costs.",
            f"Use --region {region}, or set DR_AWS_APP_REGION={region} in system.env.",
        )
    place.bucket.check(write=True)


def as_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """As the API wants them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(tags: Any) -> dict[str, str]:
    """As the API returns them."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def by_tag(place: CloudPlace) -> list[dict[str, Any]]:
    """The filter of EC2 for what belongs to this workspace."""
    return [{"Name": f"tag:{WORKSPACE}", "Values": [place.workspace_id]}]


def file_address(place: CloudPlace, key: str) -> str:
    """An object or a folder of the bucket, for people."""
    return f"s3://{place.bucket_name}/{key}"


def local_folder(workspace: Workspace, name: str) -> Path:
    """Where the logs of a job are kept on this computer."""
    return workspace.data / CLOUD_FOLDER / name
