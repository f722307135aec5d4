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
    from drcli.launch import run_control
    from drcli.launch.run_overview import format_overview, overview

    workspace, settings = options.load(experiment, overrides)
    for kind in run_control.revive(workspace, settings.run_id, settings):
        present.warn(f"Nobody looked after the {kind} any more; it has a new supervisor.")
    seen = overview(settings, workspace)
    if as_json:
        present.as_json(seen)
    else:
        present.result(format_overview(seen))
    present.next_step(*_next_step(seen["state"]))


def _next_step(state: str) -> tuple[str, str]:
    if state in ("starting", "running", "stopping"):
        return "dr logs -f", "follow the trainer; `dr stop-training` ends the run"
    if state == "ended":
        return "dr evaluate", "drive the model; `dr start-training --resume` goes on with it"
    if state == "never started":
        return "dr start-training", "start the run"
    return "dr logs", "what the trainer said last; `dr start-training --resume` goes on"
