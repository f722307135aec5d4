"""`dr cloud down`: end machines; with --all remove every trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import cloud_options, present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.cloud.cloud_machines import Machine
    from drcli.cloud.cloud_place import CloudPlace


@click.command("down")
@click.argument("name", required=False)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also remove disks, spot requests, security group, role and the folder cloud/ of the bucket.",
)
@cloud_options.yes
@cloud_options.where
def command(cloud: cloud_options.Cloud, name: str | None, everything: bool, yes: bool) -> None:
    """End the machine of job NAME, or all machines of this workspace. Asks first; harmless if nothing is running.

    Checkpoints that are in the bucket stay, and `dr cloud up --resume` continues from the last one. --all removes
    whatever drcli has made for this workspace, found by its tags, but never a model.

    \b
      dr cloud down
      dr cloud down fast-3
      dr cloud down --all
    """
    if name and everything:
        raise UsageError("--all means everything, not only NAME.", "Omit one of them.")
    places = cloud.places()
    live = _live(places, name)
    for _, machine in live:
        present.say(
            f"{machine.name}: {machine.instance_type} {machine.instance_id} in {machine.zone}, "
            f"{machine.state} for {machine.hours_so_far:.1f} h"
        )
    if everything:
        _remove_all(places, yes)
        return
    if not live:
        present.say(f"{name or 'No machine'} is {'not ' if name else ''}running; nothing costs by the hour.")
    elif yes or click.confirm("End it?" if len(live) == 1 else "End them?", abort=True, err=True):
        _end(live)
    present.next_step("dr cloud status", "see what is stored; `dr cloud down --all` removes it")


def _live(places: list[CloudPlace], name: str | None) -> list[tuple[CloudPlace, Machine]]:
    from drcli.cloud.cloud_machines import machines

    return [
        (place, machine)
        for place in places
        for machine in machines(place)
        if machine.is_live and name in (None, machine.name)
    ]


def _end(live: list[tuple[CloudPlace, Machine]]) -> None:
    from drcli.cloud.cloud_end import end_machines

    for place, machine in live:
        end_machines(place, [machine])
        present.result(f"{machine.name}  {machine.instance_id} is ending")


def _remove_all(places: list[CloudPlace], yes: bool) -> None:
    from drcli.cloud.cloud_end import remove_all

    if not places:
        raise DrError(
            "No bucket on AWS is known for this workspace, and no role of it was found.",
            "If there is one, name it with --bucket.",
        )
    if not yes:
        where = " and ".join(map(str, places))
        click.confirm(f"Remove everything but models from {where}?", abort=True, err=True)
    removed = []
    with present.live() as live:
        for place in places:
            removed += remove_all(place, live.line)
    for words in removed:
        present.result(f"removed {words}")
    if not removed:
        present.say("There was nothing to remove.")
    present.next_step("dr cloud up", "rent a machine")
