"""What `dr cloud up` would start: everything is checked and priced here, and nothing is changed.

`drcli.cloud.cloud_start` carries it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from drcli.cloud.cloud_errors import AwsError
from drcli.cloud.cloud_job import CloudJob
from drcli.cloud.cloud_machines import Machine, machines
from drcli.cloud.cloud_offers import Offer, find_offers
from drcli.cloud.cloud_overview import find_job
from drcli.cloud.cloud_place import CloudPlace, check_bucket
from drcli.cloud.job_command import command_name, is_training
from drcli.cloud.machine_network import SshAccess
from drcli.cloud.machine_settings import machine_values
from drcli.config.load import load_settings
from drcli.config.settings import Settings, variables
from drcli.errors import DrError, UsageError
from drcli.launch import start_checks
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Wish:
    """What the user asks for. zones: empty for all; max_price: dollars per hour."""

    name: str
    command: tuple[str, ...]
    overrides: tuple[str, ...]
    types: tuple[str, ...]
    zones: tuple[str, ...]
    hours: float
    max_price: float | None
    ssh: SshAccess | None
    resume: bool


@dataclass(frozen=True)
class Plan:
    """A start that has passed all checks. offers: in the order in which they are tried; others: already running."""

    place: CloudPlace
    workspace: Workspace
    job: CloudJob
    offers: tuple[Offer, ...]
    ssh: SshAccess | None
    user: str
    others: tuple[Machine, ...]

    @property
    def without_it(self) -> str:
        """What is running and costs if nothing is started, for errors."""
        if not self.others:
            return "No machine was started: nothing is running, and nothing costs by the hour."
        return f"No machine was started; still running: {', '.join(machine.name for machine in self.others)}."

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "name": self.job.name,
            "command": list(self.job.command),
            "resume": self.job.resume,
            "hours": self.job.hours,
            "region": self.job.region,
            "bucket": self.job.bucket,
            "user": self.user,
            "ssh_from": self.ssh.address if self.ssh else None,
            "offers": [offer.to_dict(self.job.hours) for offer in self.offers],
            "already_running": [machine.name for machine in self.others],
        }


def plan(place: CloudPlace, settings: Settings, workspace: Workspace, wish: Wish) -> Plan:
    """Check everything, find offers. Raises DrError, which says that nothing was started."""
    try:
        return _plan(place, settings, workspace, wish)
    except UsageError:
        raise
    except DrError as error:
        raise DrError(f"{error.message} No machine was started.", error.hint) from error


def _plan(place: CloudPlace, settings: Settings, workspace: Workspace, wish: Wish) -> Plan:
    user = place.aws.check()
    check_bucket(place)
    if wish.resume and not wish.name:
        wish = replace(wish, name=find_job([place], None).job.name)
    name = _name(settings, wish)
    live = [machine for machine in machines(place) if machine.is_live]
    same = next((machine for machine in live if machine.name == name), None)
    if same:
        raise DrError(
            f"{name} is already running: {same.instance_type} {same.instance_id}, for {same.hours_so_far:.1f} h.",
            "`dr cloud status` shows it, `dr cloud down` ends it; --name starts another.",
        )
    job = checked_job(place, settings, workspace, wish)
    offers = find_offers(place.aws, wish.types, wish.zones, wish.max_price)
    _check_permission(place, offers[0])
    return Plan(place, workspace, job, offers, wish.ssh, user, tuple(live))


def checked_job(place: CloudPlace, settings: Settings, workspace: Workspace, wish: Wish) -> CloudJob:
    """The job alone, for whatever machine. Raises DrError if the workspace cannot be run on one."""
    job = _job(place, workspace, replace(wish, name=_name(settings, wish)))
    _check_workspace(place, job, workspace)
    return job


def _name(settings: Settings, wish: Wish) -> str:
    name = wish.name or default_name(settings)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name!r} is not a valid name.", "Use lower-case letters, digits and hyphens."
        )
    return name


def default_name(settings: Settings) -> str:
    """The name of a job: that of its model."""
    return re.sub(r"[^a-z0-9]+", "-", settings.local_s3_model_prefix.lower()).strip("-")[:60] or "run"


def _job(place: CloudPlace, workspace: Workspace, wish: Wish) -> CloudJob:
    secret = [text for text in wish.overrides if _is_secret(text.partition("=")[0])]
    if secret:
        raise UsageError(
            f"--set {secret[0].partition('=')[0]} is a credential, and those are not sent to the machine.",
            "It has a role of its own that may use the bucket.",
        )
    job = CloudJob(
        name=wish.name,
        bucket=place.bucket_name,
        region=place.aws.region,
        command=wish.command,
        overrides=wish.overrides,
        hours=wish.hours,
        resume=False,
        experiment=workspace.experiment,
    )
    return _resumed(place, job, wish) if wish.resume else job


def _resumed(place: CloudPlace, job: CloudJob, wish: Wish) -> CloudJob:
    """The job as it was started, for another machine; what it does cannot change on the way."""
    before = place.bucket.find(job.keys.job)
    if before is None:
        raise DrError(
            f"There is no {job.keys.job} in the {place.bucket.config.place} to resume.",
            "Start it without --resume, or name the job with --name: `dr cloud status` lists them.",
        )
    old = CloudJob.from_json(before)
    if wish.command and wish.command != old.command:
        raise UsageError(
            f"{job.name} was started with `dr {' '.join(old.command)}`, which --resume continues.",
            "Omit the command, or start another one with --name.",
        )
    return replace(old, hours=job.hours, resume=True)


def _is_secret(name: str) -> bool:
    row = variables().get(name)
    return row is not None and row.secret


def _check_workspace(place: CloudPlace, job: CloudJob, workspace: Workspace) -> None:
    """Check what the machine would do: with its settings, as `dr start-training` does there."""
    if job.resume:
        return
    fixed = tuple(f"{key}={value}" for key, value in machine_values(job).items())
    own = tuple(text for text in job.overrides if text.partition("=")[0] not in machine_values(job))
    settings = load_settings(workspace, (*own, *fixed))
    if not is_ours(settings):
        raise UsageError(
            f"The machine has no Docker, which the engine {settings.simapp_source} needs.",
            "Train with drcli's own engine: leave DR_SIMAPP_SOURCE as it is by default.",
        )
    if not is_training(job):
        return
    start_checks.check_settings(settings)
    start_checks.check_trainable(settings)
    start_checks.check_training_files(settings, workspace, keep=False)
    start_checks.check_workers(settings, workspace, keep=False)
    prefix = settings.local_s3_model_prefix
    existing = place.bucket.list(f"{prefix}/")
    if existing and not {"-w", "--wipe", "--resume"} & set(job.command):
        raise DrError(
            f"The model {prefix} already exists in the {place.bucket.config.place} ({len(existing)} objects).",
            f"`dr cloud up -- {command_name(job)} --resume` continues it, `-- {command_name(job)} -w -y` deletes it "
            "and starts from scratch; or choose another DR_LOCAL_S3_MODEL_PREFIX.",
        )


def _check_permission(place: CloudPlace, offer: Offer) -> None:
    """Ask EC2 whether we might start it. Raises AwsError if not."""
    try:
        place.aws.call(
            "ec2",
            "run_instances",
            DryRun=True,
            ImageId=offer.image.image_id,
            InstanceType=offer.kind.name,
            SubnetId=offer.subnet_id,
            MinCount=1,
            MaxCount=1,
            InstanceMarketOptions={"MarketType": "spot"},
        )
    except AwsError as error:
        if error.code != "DryRunOperation":  # that is how EC2 says yes
            raise
