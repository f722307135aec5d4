"""The machines that run or have just ended, found by their tags: since when, for how long yet, at what cost."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drcli.cloud.aws_clients import Aws
from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_place import HOURS, MARK, NAME, WORKSPACE, CloudPlace, tags_of
from drcli.cloud.spot_prices import PriceChange, extras_usd_per_hour, paid_usd, price_history

_LIVE = ("pending", "running", "shutting-down", "stopping", "stopped")
_ENDED_AT = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) GMT\)")


@dataclass(frozen=True)
class Machine:
    """A machine of EC2. Times are seconds since the epoch; `hours` is how long it may live."""

    instance_id: str
    name: str
    workspace_id: str
    instance_type: str
    zone: str
    state: str
    started_at: float
    ended_at: float | None
    hours: float | None
    address: str
    spot_request: str
    disk_ids: tuple[str, ...]

    @property
    def is_live(self) -> bool:
        """Whether it runs, or still costs something."""
        return self.state in _LIVE

    @property
    def hours_so_far(self) -> float:
        """How long it has run."""
        return max(0.0, (self.ended_at or time.time()) - self.started_at) / 3600

    @property
    def hours_left(self) -> float | None:
        """After how many hours it ends itself; None once it has, or if that is not known."""
        if self.hours is None or not self.is_live:
            return None
        return max(0.0, self.hours - self.hours_so_far)


def machines(place: CloudPlace) -> list[Machine]:
    """Those of this workspace, the newest first. EC2 forgets what has ended within an hour."""
    return [machine for machine in all_machines(place.aws) if machine.workspace_id == place.workspace_id]


def all_machines(aws: Aws) -> list[Machine]:
    """Those of all workspaces of this account in this region, the newest first."""
    found = aws.pages(
        "ec2", "describe_instances", "Reservations", Filters=[{"Name": "tag-key", "Values": [MARK]}]
    )
    entries = [machine_of(entry) for reservation in found for entry in reservation["Instances"]]
    return sorted(entries, key=lambda machine: machine.started_at, reverse=True)


def machine_of(entry: dict[str, Any]) -> Machine:
    """From the answer of EC2."""
    tags = tags_of(entry.get("Tags"))
    disks = [disk["Ebs"]["VolumeId"] for disk in entry.get("BlockDeviceMappings", ()) if "Ebs" in disk]
    state = entry["State"]["Name"]
    return Machine(
        instance_id=entry["InstanceId"],
        name=tags.get(NAME, ""),
        workspace_id=tags.get(WORKSPACE, ""),
        instance_type=entry["InstanceType"],
        zone=entry["Placement"]["AvailabilityZone"],
        state=state,
        started_at=entry["LaunchTime"].timestamp(),
        ended_at=None if state in _LIVE else _ended_at(entry),
        hours=_number(tags.get(HOURS)),
        address=entry.get("PublicIpAddress", ""),
        spot_request=entry.get("SpotInstanceRequestId", "") or "",
        disk_ids=tuple(disks),
    )


def _ended_at(entry: dict[str, Any]) -> float:
    """When it ended: `User initiated (2026-11-27 18:53:34 GMT)`; the start if EC2 does not say."""
    found = _ENDED_AT.search(entry.get("StateTransitionReason", ""))
    if found is None:
        return float(entry["LaunchTime"].timestamp())
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:  # somebody has changed the tag
        return None


def cost_usd(aws: Aws, machine: Machine, disk_gb: int) -> float | None:
    """What it has cost so far, by the price history of its zone; None if that is not available."""
    end = machine.ended_at or time.time()
    try:
        history = price_history(aws, machine.instance_type, machine.zone, machine.started_at, end)
    except AwsError as error:
        aws.tell(f"The cost of {machine.name} is not known. {error.message}")
        return None
    return cost_at(history, machine, end, disk_gb)


def cost_at(history: Sequence[PriceChange], machine: Machine, end: float, disk_gb: int) -> float | None:
    """What it has cost until `end` at these prices, with disk and address. Pure."""
    paid = paid_usd(history, machine.started_at, end)
    if paid is None:
        return None
    return paid + extras_usd_per_hour(disk_gb) * max(0.0, end - machine.started_at) / 3600


def disk_sizes(aws: Aws, found: Sequence[Machine]) -> dict[str, int]:
    """The GB of the disks of live machines, by instance id."""
    ids = {disk: machine.instance_id for machine in found if machine.is_live for disk in machine.disk_ids}
    sizes: dict[str, int] = {}
    if ids:
        entries = aws.pages(
            "ec2", "describe_volumes", "Volumes", Filters=[{"Name": "volume-id", "Values": list(ids)}]
        )
        for entry in entries:
            instance = ids[entry["VolumeId"]]
            sizes[instance] = sizes.get(instance, 0) + int(entry["Size"])
    return sizes
