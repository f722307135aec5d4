"""What there is in the cloud: machines with hours and cost, jobs with what they report and store, leftovers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.cloud_machines import Machine, all_machines, cost_usd, disk_sizes
from drcli.cloud.cloud_place import CLOUD_FOLDER, CloudPlace, by_tag, file_address
from drcli.cloud.instance_role import role_parts
from drcli.cloud.machine_network import key_pairs, security_groups
from drcli.cloud.spot_prices import S3_USD_PER_GB_MONTH
from drcli.cloud.state_report import read_state
from drcli.contract.keys import CloudKeys
from drcli.errors import DrError

_DISK_GB = 30  # of a machine whose disk is gone, with the machine


@dataclass(frozen=True)
class MachineView:
    """A machine, what it has cost, and the phase that its job reports."""

    machine: Machine
    region: str
    cost_usd: float | None
    phase: str

    def to_dict(self) -> dict[str, object]:
        """For JSON and the table."""
        machine = self.machine
        started = datetime.fromtimestamp(machine.started_at, UTC).isoformat(timespec="seconds")
        return {
            "name": machine.name,
            "instance": machine.instance_id,
            "type": machine.instance_type,
            "zone": machine.zone,
            "state": machine.state,
            "phase": self.phase,
            "started": started,
            "hours": round(machine.hours_so_far, 3),
            "hours_left": None if machine.hours_left is None else round(machine.hours_left, 3),
            "cost_usd": self.cost_usd,
            "address": machine.address or None,
        }


@dataclass(frozen=True)
class JobView:
    """A job in the bucket. stored_bytes: of its folder; newest: when something in it changed."""

    place: CloudPlace
    job: CloudJob
    state: CloudState | None
    stored_bytes: int
    created: datetime
    newest: datetime
    is_live: bool

    @property
    def phase(self) -> str:
        """What it reports; `lost` if it reports to be at work, but its machine is gone."""
        if self.state is None:
            return "starting" if self.is_live else "lost"
        return self.state.phase if self.state.is_over or self.is_live else "lost"

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "name": self.job.name,
            "phase": self.phase,
            "command": list(self.job.command),
            "stored": file_address(self.place, self.job.keys.folder),
            "stored_bytes": self.stored_bytes,
            "state": None if self.state is None else asdict(self.state),
        }


@dataclass(frozen=True)
class StoredView:
    """All that a bucket holds, models included."""

    bucket: str
    size_bytes: int

    @property
    def usd_per_month(self) -> float:
        """What it costs."""
        return self.size_bytes / 1e9 * S3_USD_PER_GB_MONTH


@dataclass(frozen=True)
class Overview:
    """Everything of a workspace; `foreign`: live machines that other workspaces have started in the same regions."""

    machines: tuple[MachineView, ...]
    jobs: tuple[JobView, ...]
    stored: tuple[StoredView, ...]
    leftovers: tuple[str, ...]
    foreign: tuple[Machine, ...]

    @property
    def live(self) -> list[MachineView]:
        """Machines that cost something now."""
        return [view for view in self.machines if view.machine.is_live]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "machines": [view.to_dict() for view in self.machines],
            "jobs": [view.to_dict() for view in self.jobs],
            "stored": [asdict(view) | {"usd_per_month": view.usd_per_month} for view in self.stored],
            "leftovers": list(self.leftovers),
            "other_workspaces": [
                {"instance": machine.instance_id, "name": machine.name, "workspace": machine.workspace_id}
                for machine in self.foreign
            ],
        }


def overview(places: Sequence[CloudPlace]) -> Overview:
    """Look everywhere; changes nothing."""
    machines, jobs, stored, leftovers = [], [], [], []
    ids = {place.workspace_id for place in places}
    foreign: dict[str, Machine] = {}
    for place in places:
        found = all_machines(place.aws)
        own = [machine for machine in found if machine.workspace_id == place.workspace_id]
        foreign |= {m.instance_id: m for m in found if m.is_live and m.workspace_id not in ids}
        here = jobs_of(place, own)
        phases = {view.job.name: view.phase for view in here}
        disks = disk_sizes(place.aws, own)
        machines += [
            MachineView(
                machine,
                place.aws.region,
                cost_usd(place.aws, machine, disks.get(machine.instance_id, _DISK_GB)),
                phases.get(machine.name, "") if machine.is_live else "",
            )
            for machine in own
        ]
        jobs += here
        stored.append(StoredView(place.bucket_name, sum(info.size_bytes for info in place.bucket.list())))
        leftovers += leftovers_of(place, own)
    return Overview(tuple(machines), tuple(jobs), tuple(stored), tuple(leftovers), tuple(foreign.values()))


def jobs_of(place: CloudPlace, own: Iterable[Machine]) -> list[JobView]:
    """The jobs in the bucket, the newest first. `own`: the machines of this workspace."""
    live = {machine.name for machine in own if machine.is_live}
    objects = place.bucket.list(f"{CLOUD_FOLDER}/")
    names = dict.fromkeys(info.key.split("/")[1] for info in objects)
    views = []
    for name in names:
        keys = CloudKeys(name)
        own_objects = [info for info in objects if info.key.startswith(keys.folder)]
        times = {info.key: info.last_modified for info in own_objects}
        document = place.bucket.find(keys.job) if keys.job in times else None
        if document is None:
            continue
        job = CloudJob.from_json(document)
        size = sum(info.size_bytes for info in own_objects)
        state = read_state(place.bucket, job)
        created = times.get(keys.workspace, times[keys.job])
        views.append(JobView(place, job, state, size, created, max(times.values()), name in live))
    return sorted(views, key=lambda view: view.created, reverse=True)


def leftovers_of(place: CloudPlace, own: Iterable[Machine]) -> list[str]:
    """What exists besides machines and jobs, for people, and whether it costs something."""
    aws, live = place.aws, [machine for machine in own if machine.is_live]
    disks = aws.pages("ec2", "describe_volumes", "Volumes", Filters=by_tag(place))
    used = {disk for machine in live for disk in machine.disk_ids}
    lost = [
        f"disk {disk['VolumeId']} in {aws.region}, {disk['Size']} GB (costs ${disk['Size'] * 0.1:.2f} per month)"
        for disk in disks
        if disk["VolumeId"] not in used and disk["State"] != "deleting"
    ]
    requests = [
        f"spot request {entry['SpotInstanceRequestId']} in {aws.region} ({entry['State']})"
        for entry in spot_requests(place)
        if entry.get("InstanceId") not in {machine.instance_id for machine in live}
    ]
    free = [
        *role_parts(place),
        *(f"security group {group['GroupId']} in {aws.region}" for group in security_groups(place)),
        *(f"key pair {pair['KeyName']} in {aws.region}" for pair in key_pairs(place)),
    ]
    return [*lost, *requests, *(f"{words} (costs nothing)" for words in free)]


def spot_requests(place: CloudPlace) -> list[dict[str, str]]:
    """The spot requests of this workspace that are not over."""
    states = {"Name": "state", "Values": ["open", "active"]}
    return place.aws.pages(
        "ec2", "describe_spot_instance_requests", "SpotInstanceRequests", Filters=[*by_tag(place), states]
    )


def find_job(places: Sequence[CloudPlace], name: str | None) -> JobView:
    """The job with this name; without one the newest. Raises DrError if there is none."""
    views = [view for place in places for view in jobs_of(place, all_machines(place.aws))]
    views.sort(key=lambda view: view.created, reverse=True)
    found = [view for view in views if name in (None, view.job.name)]
    if found:
        return found[0]
    there = ", ".join(view.job.name for view in views)
    what = f"There is no job {name}" if name else "There are no jobs"
    where = " and ".join(map(str, places)) or "any bucket that is known; --bucket names one"
    raise DrError(f"{what} in {where}.", f"There are: {there}." if there else "`dr cloud up` starts one.")
