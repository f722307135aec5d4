"""`dr cloud up`: rent a spot machine and start the run on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import cloud_options, options, present, rented_command
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.cli.rented_command import RentedCommand
    from drcli.cloud.cloud_plan import Plan, Wish
    from drcli.cloud.cloud_start import Started


@click.command("up")
@cloud_options.words
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="NAME",
    help="Type of machine, c7i.xlarge by default; if repeated: the next one if AWS has none of the first.",
)
@cloud_options.hours
@click.option("--zone", "zones", multiple=True, metavar="NAME", help="Only in this zone; can be repeated.")
@click.option(
    "--max-price", type=click.FloatRange(0, min_open=True), metavar="USD", help="Limit of the price per hour."
)
@cloud_options.job_name
@click.option("--ssh", is_flag=True, help="Open SSH for your address; otherwise no port is open.")
@click.option("--ssh-from", metavar="ADDRESS", default="", help="Open SSH for this IPv4 address instead.")
@click.option(
    "--ssh-key",
    type=click.Path(path_type=Path),
    help="Your public key for SSH; default: id_ed25519.pub, id_ecdsa.pub or id_rsa.pub in ~/.ssh.",
)
@click.option("--resume", is_flag=True, help="Continue the job NAME, or the newest, from what it has stored.")
@cloud_options.yes
@options.dry_run
@click.option("--json", "as_json", is_flag=True, help="Print offers and machine as JSON; needs -y or -d.")
@cloud_options.where
def command(
    cloud: cloud_options.Cloud,
    words: tuple[str, ...],
    types: tuple[str, ...],
    hours: float,
    zones: tuple[str, ...],
    max_price: float | None,
    name: str,
    ssh: bool,
    ssh_from: str,
    ssh_key: Path | None,
    resume: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Rent a spot machine of AWS and start this workspace's training on it, or COMMAND: the words after `dr`.

    Checks credentials, bucket, workspace and prices, shows what it costs now and at most, asks, and starts. The
    machine works alone: it writes the model to the bucket, ends when the run has ended, at the latest after --hours,
    and stores a checkpoint when AWS takes it back, which --resume continues from.

    \b
      dr cloud up
      dr cloud up --type c7i.2xlarge --type m7i.2xlarge --hours 1 --max-price 0.2
      dr cloud up --type g5.xlarge --region eu-central-1 --bucket my-bucket
      dr cloud up --hours 8 -- sweep sweep.yaml
      dr cloud up --resume
    """
    from drcli.cloud import cloud_start
    from drcli.cloud.cloud_plan import Wish
    from drcli.cloud.machine_network import ssh_access

    if as_json and not (yes or dry_run):
        raise UsageError("--json cannot ask.", "Add -y to start, or -d to look only.")
    access = ssh_access(ssh_from, ssh_key) if ssh or ssh_from else None
    given = words or (() if resume else rented_command.DEFAULT)
    wish = Wish(name, given, cloud.overrides, types, zones, hours, max_price, access, resume)
    plan = _plan(cloud, wish, None if resume else rented_command.parse(given, cloud.loaded[0]))
    if dry_run:
        _show(plan, as_json)
        present.next_step("dr cloud up", "rent it")
        return
    if not as_json:
        _show(plan, as_json=False)
    if not yes:
        click.confirm("Start it?", abort=True, err=True)
    _report(plan, cloud_start.start(plan), as_json)


def _plan(cloud: cloud_options.Cloud, wish: Wish, rented: RentedCommand | None) -> Plan:
    """Check and price everything; `rented`: the command, None if that of an earlier machine is resumed."""
    from drcli.cloud import cloud_plan

    workspace, settings = cloud.loaded
    place = cloud.place()
    with present.live() as live:
        live.line("Checking credentials, bucket, workspace and prices")
        name = wish.name or (rented.name if rented else "")
        plan = cloud_plan.plan(place, settings, workspace, replace(wish, name=name))
    if rented is not None:
        rented.check(workspace, wish.overrides, place)
    return plan


def _show(plan: Plan, as_json: bool) -> None:
    from drcli.cloud.spot_prices import money

    if as_json:
        present.as_json(plan.to_dict() | {"dry_run": True})
        return
    job = plan.job
    present.table(
        {
            "type": offer.kind.name,
            "zone": offer.zone,
            "has": offer.kind.words,
            "spot price per hour": money(offer.spot_usd),
            "on demand": "-" if offer.on_demand_usd is None else money(offer.on_demand_usd),
            "with disk and address": money(offer.usd_per_hour),
            f"{job.hours:g} h at this price": money(offer.usd_per_hour * job.hours),
            "at most": money(offer.most_usd(job.hours)),
        }
        for offer in plan.offers
    )
    present.say(
        f"{'Resumes' if job.resume else 'Runs'} `dr {' '.join(job.command)}` as {job.name}, "
        f"with s3://{job.bucket} in {job.region}, as {plan.user}."
    )
    present.say(
        f"It ends itself when the run has ended, at the latest after {job.hours:g} h. Spot prices change: above "
        f"{money(plan.offers[0].limit_usd)} per hour AWS takes it back, and --resume continues."
    )
    access = f"SSH from {plan.ssh.address} only" if plan.ssh else "none (Session Manager opens a shell)"
    present.say(f"Open ports: {access}.")
    for machine in plan.others:
        present.warn(
            f"{machine.name} is running, too: {machine.instance_type}, {machine.hours_so_far:.1f} h so far."
        )


def _report(plan: Plan, started: Started, as_json: bool) -> None:
    from drcli.cloud.spot_prices import money

    machine, offer = started.machine, started.offer
    if started.held_back:
        present.say(f"Kept back, as it may be a secret: {', '.join(started.held_back)}.")
    if as_json:
        present.as_json(
            plan.to_dict()
            | {
                "dry_run": False,
                "instance": machine.instance_id,
                "started": offer.to_dict(plan.job.hours),
                "held_back": list(started.held_back),
            }
        )
    else:
        present.result(
            f"{plan.job.name}  {machine.instance_id}, {offer.kind.name} in {offer.zone}, "
            f"{money(offer.usd_per_hour)} per hour now, at most {money(offer.most_usd(plan.job.hours))}"
        )
    present.next_step("dr cloud status", "see what it does and costs; `dr cloud down` ends it")
