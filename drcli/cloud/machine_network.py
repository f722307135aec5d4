"""The network of a machine: a subnet, and a security group without an open port, or with SSH for one address."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcli.cloud.aws_clients import Aws
from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_place import CloudPlace, as_tags, by_tag
from drcli.errors import DrError, UsageError

ADDRESS_SERVICE = "https://checkip.amazonaws.com"  # of AWS: the address that a request comes from
_SSH_PORT = 22
_PUBLIC_KEYS = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")


@dataclass(frozen=True)
class SshAccess:
    """Who may use SSH: connections from `address` (IPv4), with the key of this public one."""

    address: str
    public_key: str


def ssh_access(address: str, key_file: Path | None) -> SshAccess:
    """Access for the given address, or for that of this computer as the internet sees it. Raises DrError."""
    return SshAccess(_checked(address) if address else caller_address(ADDRESS_SERVICE), _public_key(key_file))


def caller_address(service: str) -> str:
    """The IPv4 address of this computer as the internet sees it."""
    import urllib3

    try:
        answer = (
            urllib3.request("GET", service, timeout=10.0, retries=2).data.decode("ascii", "replace").strip()
        )
    except urllib3.exceptions.HTTPError as error:
        raise DrError(
            f"Your address is not known, as {service} is unreachable: {error}.",
            "--ssh-from names it; without --ssh no port is open at all.",
        ) from None
    return _checked(answer)


def _checked(address: str) -> str:
    try:
        return str(ipaddress.IPv4Address(address.removesuffix("/32")))
    except ValueError:
        raise UsageError(
            f"{address!r} is not an IPv4 address.",
            "Use --ssh-from 203.0.113.5, or Session Manager without --ssh.",
        ) from None


def _public_key(named: Path | None) -> str:
    folder = Path.home() / ".ssh"
    candidates = [named] if named else [folder / name for name in _PUBLIC_KEYS]
    for path in candidates:
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise DrError(f"{path} cannot be read: {error}.") from None
        if not text.startswith(("ssh-", "ecdsa-")):
            raise UsageError(f"{path} is not a public key.", "Name the file that ends with .pub.")
        return text
    raise DrError(
        f"There is no public key: {', '.join(str(path) for path in candidates)} was not found.",
        "`ssh-keygen -t ed25519` makes one; --ssh-key names another.",
    )


def subnets(aws: Aws) -> dict[str, dict[str, str]]:
    """A public subnet of the default network for each zone: its SubnetId and VpcId. Raises DrError if there is none."""
    found = aws.pages(
        "ec2", "describe_subnets", "Subnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}]
    )
    if not found:
        raise DrError(
            f"The account has no default network (VPC) in {aws.region}.",
            f"`aws ec2 create-default-vpc --region {aws.region}` creates it; it costs nothing.",
        )
    return {net["AvailabilityZone"]: {"SubnetId": net["SubnetId"], "VpcId": net["VpcId"]} for net in found}


def ensure_security_group(place: CloudPlace, vpc_id: str, access: SshAccess | None) -> str:
    """A group that lets nothing in, or SSH from one address; its id. An existing one is corrected."""
    name = place.resource_name + ("-ssh" if access else "")
    wanted = [
        {"Name": "group-name", "Values": [name]},
        {"Name": "vpc-id", "Values": [vpc_id]},
        *by_tag(place),
    ]
    found = place.aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=wanted)
    group_id = found[0]["GroupId"] if found else _create_group(place, name, vpc_id)
    _set_ingress(place.aws, group_id, found[0]["IpPermissions"] if found else [], access)
    return str(group_id)


def _create_group(place: CloudPlace, name: str, vpc_id: str) -> str:
    answer = place.aws.call(
        "ec2",
        "create_security_group",
        GroupName=name,
        Description="Machines that drcli rents.",
        VpcId=vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": as_tags(place.tags())}],
    )
    return str(answer["GroupId"])


def _set_ingress(aws: Aws, group_id: str, existing: list[dict[str, Any]], access: SshAccess | None) -> None:
    is_right = len(existing) == (1 if access else 0)
    if access and is_right:
        ranges = [span["CidrIp"] for span in existing[0].get("IpRanges", ())]
        is_right = ranges == [f"{access.address}/32"] and existing[0].get("FromPort") == _SSH_PORT
        is_right = is_right and existing[0].get("ToPort") == _SSH_PORT
    if is_right:
        return
    if existing:
        aws.call("ec2", "revoke_security_group_ingress", GroupId=group_id, IpPermissions=existing)
    if access:
        rule = {
            "IpProtocol": "tcp",
            "FromPort": _SSH_PORT,
            "ToPort": _SSH_PORT,
            "IpRanges": [{"CidrIp": f"{access.address}/32", "Description": "drcli: who started the machine"}],
        }
        aws.call("ec2", "authorize_security_group_ingress", GroupId=group_id, IpPermissions=[rule])


def ensure_key_pair(place: CloudPlace, access: SshAccess) -> str:
    """The public key as EC2 wants it; its name there. Another key under this name is replaced."""
    name = place.resource_name
    for pair in key_pairs(place):
        place.aws.call("ec2", "delete_key_pair", KeyPairId=pair["KeyPairId"])
    place.aws.call(
        "ec2",
        "import_key_pair",
        KeyName=name,
        PublicKeyMaterial=access.public_key.encode(),
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": as_tags(place.tags())}],
    )
    return name


def key_pairs(place: CloudPlace) -> list[dict[str, Any]]:
    """The public keys of this workspace."""
    found: list[dict[str, Any]] = place.aws.call("ec2", "describe_key_pairs", Filters=by_tag(place))[
        "KeyPairs"
    ]
    return found


def security_groups(place: CloudPlace) -> list[dict[str, Any]]:
    """The security groups of this workspace."""
    return place.aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=by_tag(place))


def remove_network(place: CloudPlace) -> list[str]:
    """Delete security groups and public keys; what was deleted, for people. Their machines have to be gone."""
    removed = []
    for group in security_groups(place):
        try:
            place.aws.call("ec2", "delete_security_group", GroupId=group["GroupId"])
        except AwsError as error:
            if error.code == "DependencyViolation":
                raise DrError(
                    f"The security group {group['GroupId']} is still in use by a machine that is ending.",
                    "Run `dr cloud down --all` again in a minute.",
                ) from None
            raise
        removed.append(f"security group {group['GroupId']} ({group['GroupName']})")
    for pair in key_pairs(place):
        place.aws.call("ec2", "delete_key_pair", KeyPairId=pair["KeyPairId"])
        removed.append(f"key pair {pair['KeyName']}")
    return removed
