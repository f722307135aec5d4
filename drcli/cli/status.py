"""`dr status`: the state and progress of the run."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Show state, progress and services of the run DR_RUN_ID, even if it has ended.

    \b
      dr status
      dr status --json --set DR_RUN_ID=1
    """
    from drcli.launch import run_control
    from drcli.launch.run_overview import format_overview, overview
    from drcli.watch.viewer import viewer_process

    workspace, settings = options.load(experiment, overrides)
    for kind in run_control.revive(workspace, settings.run_id, settings):
        present.warn(f"The supervisor of the {kind} was gone; a new one was started.")
    viewer = viewer_process.find(workspace)
    seen = overview(settings, workspace) | {"viewer": viewer.place if viewer else None}
    if as_json:
        present.as_json(seen)
    else:
        present.result(format_overview(seen))
    present.next_step(*_next_step(seen["state"]))


def _next_step(state: str) -> tuple[str, str]:
    if state in ("starting", "running", "stopping"):
        return "dr logs -f", "follow the trainer; `dr stop-training` stops the run"
    if state == "ended":
        return "dr evaluate", "evaluate the model; `dr start-training --resume` continues it"
    if state == "never started":
        return "dr start-training", "start the run"
    return "dr logs", "show the trainer's last lines; `dr start-training --resume` continues"
