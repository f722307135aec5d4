"""Ends machines, and removes every trace of them in the account. Models are never deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_machines import Machine, machines
from drcli.cloud.cloud_overview import spot_requests
from drcli.cloud.cloud_place import CLOUD_FOLDER, CloudPlace, by_tag
from drcli.cloud.instance_role import remove_role
from drcli.cloud.machine_network import remove_network
from drcli.errors import DrError

END_PATIENCE_S, END_PAUSE_S = 300.0, 5.0  # a machine takes half a minute to end, one with a GPU some minutes


def end_machines(place: CloudPlace, chosen: Sequence[Machine]) -> None:
    """Cancel the spot requests of these machines and end them. What has ended already is left alone."""
    live = [machine for machine in chosen if machine.is_live]
    _cancel(place, [machine.spot_request for machine in live if machine.spot_request])
    if live:
        place.aws.call("ec2", "terminate_instances", InstanceIds=[machine.instance_id for machine in live])


def _cancel(place: CloudPlace, requests: Sequence[str]) -> None:
    if not requests:
        return
    try:
        place.aws.call("ec2", "cancel_spot_instance_requests", SpotInstanceRequestIds=list(requests))
    except AwsError as error:
        if not error.is_missing:  # it is over, and EC2 has forgotten it
            raise


def wait_until_ended(place: CloudPlace, tell: Callable[[str], None]) -> None:
    """Wait until no machine of this workspace is live. Raises DrError if that takes too long."""
    deadline = time.monotonic() + END_PATIENCE_S
    while live := [machine for machine in machines(place) if machine.is_live]:
        names = ", ".join(f"{machine.name} ({machine.state})" for machine in live)
        if time.monotonic() > deadline:
            raise DrError(
                f"Still ending: {names}. Role and security group are removed after that.",
                "Run `dr cloud down --all` again in a minute.",
            )
        tell(f"Waiting for {names}")
        time.sleep(END_PAUSE_S)


def remove_all(place: CloudPlace, tell: Callable[[str], None]) -> list[str]:
    """Remove every trace of a workspace from a place, but no model; what was removed, for people.

    Its machines are ended first. What does not exist is left out, so it may be repeated.
    """
    live = [machine for machine in machines(place) if machine.is_live]
    end_machines(place, live)
    open_requests = [entry["SpotInstanceRequestId"] for entry in spot_requests(place)]
    _cancel(place, open_requests)
    wait_until_ended(place, tell)
    removed = [f"machine {machine.instance_id} ({machine.name})" for machine in live]
    removed += [f"spot request {name}" for name in open_requests]
    for disk in place.aws.pages("ec2", "describe_volumes", "Volumes", Filters=by_tag(place)):
        if disk["State"] == "available":
            place.aws.call("ec2", "delete_volume", VolumeId=disk["VolumeId"])
            removed.append(f"disk {disk['VolumeId']}")
    removed += remove_network(place)
    removed += remove_role(place)
    count = place.bucket.delete_prefix(CLOUD_FOLDER)
    if count:
        removed.append(f"s3://{place.bucket_name}/{CLOUD_FOLDER}/ ({count} objects)")
    return removed
