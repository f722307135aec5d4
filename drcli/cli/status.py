"""`dr status`: how the run is doing."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Show state, progress and services of the run DR_RUN_ID, running or not.

    \b
      dr status
      dr status --json --set DR_RUN_ID=1
    """
    from drcli.launch.overview import format_overview, overview

    workspace, settings = options.load(experiment, overrides)
    seen = overview(settings, workspace)
    if as_json:
        present.as_json(seen)
    else:
        present.result(format_overview(seen))
    running = seen["training"]["state"] in ("starting", "running", "stopping")
    present.next_step(
        *(("dr logs -f", "follow the trainer") if running else ("dr start-training", "starts a run"))
    )
