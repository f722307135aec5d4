"""`dr cloud status`: what is running, for how long, at what cost, and what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import cloud_options, present

if TYPE_CHECKING:
    from drcli.cloud.cloud_overview import MachineView, Overview


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@cloud_options.where
def command(cloud: cloud_options.Cloud, as_json: bool) -> None:
    """Show machines with hours and cost so far, jobs with what they report and store, and what is left over.

    Everything is found by its tags, also from another computer with the same workspace. The cost is that of the
    spot price history, with disk and address; the bill of AWS counts.

    \b
      dr cloud status
      dr cloud status --json
    """
    from drcli.cloud.cloud_overview import overview

    with present.live() as live:
        live.line("Looking at AWS")
        found = overview(cloud.places())
    if as_json:
        present.as_json(found.to_dict())
    else:
        _show(found)
    if found.live:
        present.next_step("dr cloud logs -f", "follow the newest; `dr cloud down` ends it")
    elif found.jobs:
        present.next_step(
            "dr cloud pull", "bring models and logs here; `dr cloud down --all` removes the rest"
        )
    elif found.leftovers:
        present.next_step("dr cloud down --all", "remove what is left over")
    else:
        present.next_step("dr cloud up", "rent a machine")


def _show(found: Overview) -> None:
    from drcli.cloud.spot_prices import money

    if found.machines:
        present.table(_row(view) for view in found.machines)
    if not found.live:
        present.say("No machine is running; nothing costs by the hour.")
    for view in found.jobs:
        present.result(
            f"{view.job.name}  {view.phase}: `dr {' '.join(view.job.command)}`, "
            f"{present.size(view.stored_bytes)} in s3://{view.job.bucket}/{view.job.keys.folder}"
        )
        if view.state and view.state.message:
            present.result(f"  {view.state.message} {view.state.hint}".rstrip())
        if view.phase == "lost":
            present.result("  Its machine is gone and has not said why. `dr cloud up --resume` continues it.")
    for stored in found.stored:
        if stored.size_bytes:
            present.say(
                f"s3://{stored.bucket} holds {present.size(stored.size_bytes)}, models included: "
                f"about {money(stored.usd_per_month)} per month."
            )
    for words in found.leftovers:
        present.say(f"{'in use' if found.live else 'left over'}: {words}")
    for machine in found.foreign:
        present.warn(
            f"Another workspace ({machine.workspace_id}) runs {machine.name}, {machine.instance_type} "
            f"{machine.instance_id}, for {machine.hours_so_far:.1f} h."
        )


def _row(view: MachineView) -> dict[str, object]:
    from drcli.cloud.spot_prices import money

    machine = view.machine
    left = machine.hours_left
    return {
        "name": machine.name,
        "machine": machine.instance_id,
        "type": machine.instance_type,
        "zone": machine.zone,
        "state": machine.state,
        "phase": view.phase or "-",
        "hours": machine.hours_so_far,
        "hours left": "-" if left is None else f"{left:.2f}",
        "cost so far": "-" if view.cost_usd is None else money(view.cost_usd),
        "address": machine.address or "-",
    }
