"""Starts a machine as planned: uploads what it needs, makes role and network, takes the first offer that works."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from drcli.cloud import cloud_errors
from drcli.cloud.aws_clients import patiently
from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.cloud_machines import Machine, machine_of
from drcli.cloud.cloud_offers import Offer
from drcli.cloud.cloud_place import HOURS, CloudPlace, as_tags
from drcli.cloud.cloud_plan import Plan
from drcli.cloud.instance_role import ensure_role
from drcli.cloud.machine_network import ensure_key_pair, ensure_security_group
from drcli.cloud.own_wheel import own_wheel
from drcli.cloud.user_data import user_data
from drcli.cloud.workspace_archive import pack
from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.retry import keep_trying

# Until EC2 knows a new role: docs.aws.amazon.com, "eventual consistency"
ROLE_PATIENCE_S, ROLE_PAUSE_S = 60.0, 5.0
_LARGEST_USER_DATA = 16 << 10  # bytes; the limit of EC2


@dataclass(frozen=True)
class Started:
    """A machine that has just been started, by which offer, and what of the workspace was kept back."""

    machine: Machine
    offer: Offer
    held_back: tuple[str, ...]


def start(plan: Plan) -> Started:
    """Start the machine; does not wait until it works. Raises DrError, which says whether anything runs."""
    with _nothing_started(plan):
        held_back, wheel_key = upload(plan.place, plan.job, plan.workspace)
        script = user_data(plan.job, wheel_key, False)
        if len(script.encode()) > _LARGEST_USER_DATA:
            raise DrError(f"The script of the machine has {len(script.encode())} bytes, more than EC2 takes.")
        profile = ensure_role(plan.place, session_manager=plan.ssh is None)
        key = {"KeyName": ensure_key_pair(plan.place, plan.ssh)} if plan.ssh else {}
        group = ensure_security_group(plan.place, plan.offers[0].vpc_id, plan.ssh)
    common = {
        **key,
        "UserData": script,
        "IamInstanceProfile": {"Name": profile},
    }
    machine, offer = _first_that_works(plan, common, group)
    return Started(machine, offer, held_back)


def upload(place: CloudPlace, job: CloudJob, workspace: Workspace) -> tuple[tuple[str, ...], str]:
    """Put wheel, workspace and job into the bucket; what was kept back, and the key of the wheel."""
    bucket, tell = place.bucket, place.aws.tell
    held_back: tuple[str, ...] = ()
    wheel = own_wheel()
    wheel_key = job.keys.folder + wheel.name
    patiently(lambda: bucket.put(wheel_key, wheel.data), tell)
    if not job.resume:
        packed = pack(workspace)
        held_back = packed.held_back
        patiently(lambda: bucket.delete(info.key for info in bucket.list(job.keys.logs)), tell)
        patiently(lambda: bucket.delete([job.keys.sweeps]), tell)
        patiently(lambda: bucket.put(job.keys.workspace, packed.data), tell)
    # What the previous machine reported must not be mistaken for what this one does.
    patiently(lambda: bucket.delete([job.keys.state]), tell)
    patiently(lambda: bucket.put(job.keys.job, job.to_json()), tell)
    return held_back, wheel_key


def _first_that_works(plan: Plan, common: dict[str, Any], group: str) -> tuple[Machine, Offer]:
    """Try the offers in their order while EC2 has no machine, or no quota for that kind, but nothing else is wrong."""
    tell = plan.place.aws.tell
    refused: dict[str, AwsError] = {}  # quota code → the error
    last: AwsError | None = None
    for offer in plan.offers:
        code, _ = offer.kind.quota
        if code in refused:
            continue
        try:
            return _run(plan, offer, common, group), offer
        except AwsError as error:
            if error.code in cloud_errors.QUOTA:
                refused[code] = last = _no_quota(error, offer, plan.place.aws.region)
            elif error.code in cloud_errors.NO_CAPACITY:
                last = error
            else:
                raise _with_state(plan, error) from error
            tell(f"No {offer.kind.name} in {offer.zone}: {last.message}")
    tried = ", ".join(dict.fromkeys(f"{offer.kind.name} in {offer.zone}" for offer in plan.offers))
    if refused:
        first = next(iter(refused.values()))
        raise DrError(f"{first.message} {plan.without_it}", first.hint)
    raise DrError(
        f"AWS has no capacity now for {tried}{f' ({last.code})' if last else ''}. {plan.without_it}",
        "Allow more types (--type c7i.xlarge --type c6i.xlarge --type m7i.xlarge) or zones, or try again later.",
    )


def _no_quota(error: AwsError, offer: Offer, region: str) -> AwsError:
    code, name = offer.kind.quota
    return AwsError(
        error.code,
        f"The account may not rent a {offer.kind.name} ({offer.kind.vcpus} vCPUs) in {region}: "
        f"the quota {name}, {code}, is used up or too small ({error.code}).",
        f"Ask for more at https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{code}, "
        f"at least {offer.kind.vcpus}; new accounts often have 0 for GPUs. `dr cloud status` shows what is running.",
    )


def _with_state(plan: Plan, error: AwsError) -> DrError:
    """The error, with what is running after it."""
    if error.code == cloud_errors.UNREACHABLE:
        return DrError(
            f"{error.message} Whether the machine was started is not known; if so, it ends itself after "
            f"{plan.job.hours:g} h, at most {plan.offers[0].most_usd(plan.job.hours):.2f} dollars.",
            "Look with `dr cloud status` as soon as the network is back; `dr cloud down` ends it.",
        )
    return AwsError(error.code, f"{error.message} {plan.without_it}", error.hint)


def _run(plan: Plan, offer: Offer, common: dict[str, Any], group: str) -> Machine:
    """Start one machine. May be repeated: by its token EC2 recognises a request that it has already carried out."""
    aws, wanted = plan.place.aws, _request(plan, offer, group) | common
    answer = keep_trying(
        lambda: aws.call("ec2", "run_instances", **wanted),
        patience_s=ROLE_PATIENCE_S,
        pause_s=lambda attempt: ROLE_PAUSE_S,
        is_worth_it=_is_role_too_new,
        report=lambda error, pause_s: aws.tell("Waiting until EC2 knows the new role."),
    )
    return machine_of(answer["Instances"][0])


def _request(plan: Plan, offer: Offer, group: str) -> dict[str, Any]:
    tags = as_tags(plan.place.tags(plan.job.name) | {HOURS: f"{plan.job.hours:g}"})
    resources = ("instance", "volume", "network-interface", "spot-instances-request")
    return {
        "ClientToken": secrets.token_hex(16),
        "MinCount": 1,
        "MaxCount": 1,
        "ImageId": offer.image.image_id,
        "InstanceType": offer.kind.name,
        "Placement": {"AvailabilityZone": offer.zone},
        "InstanceInitiatedShutdownBehavior": "terminate",
        "InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": _spot(offer)},
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
        },
        "BlockDeviceMappings": [_disk(offer)],
        "NetworkInterfaces": [_interface(offer, group)],
        "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in resources],
    }


def _spot(offer: Offer) -> dict[str, Any]:
    return {
        "MaxPrice": f"{offer.limit_usd:.6f}",
        "SpotInstanceType": "one-time",
        "InstanceInterruptionBehavior": "terminate",
    }


def _interface(offer: Offer, group: str) -> dict[str, Any]:
    return {
        "DeviceIndex": 0,
        "SubnetId": offer.subnet_id,
        "Groups": [group],
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }


def _disk(offer: Offer) -> dict[str, Any]:
    disk = {
        "VolumeSize": offer.image.disk_gb,
        "VolumeType": "gp3",
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    return {"DeviceName": offer.image.root_device, "Ebs": disk}


def _is_role_too_new(error: DrError) -> bool:
    return (
        isinstance(error, AwsError)
        and error.code == "InvalidParameterValue"
        and "iaminstanceprofile" in error.message.replace(" ", "").lower()
    )


@contextmanager
def _nothing_started(plan: Plan) -> Iterator[None]:
    """Errors in here come before anything runs, and say so."""
    try:
        yield
    except DrError as error:
        raise DrError(f"{error.message} {plan.without_it}", error.hint) from error
