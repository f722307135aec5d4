"""`dr stop-all`: stop everything of this workspace, or of all workspaces on this machine."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("stop-all")
@click.option(
    "--everywhere",
    is_flag=True,
    help="Also what other workspaces started with Docker on this machine (asks).",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(experiment: str | None, everywhere: bool, yes: bool) -> None:
    """Stop all sweeps, trainings and evaluations of this workspace gracefully, its viewer, its notebooks and its store.

    Data and logs stay.

    Containers of other programs are never touched: ours are found by their labels.

    \b
      dr stop-all
    """
    from drcli.launch import stop_all
    from drcli.launch.analysis import log_analysis
    from drcli.sweep import sweep_control
    from drcli.watch.viewer import viewer_process

    workspace, settings = options.load(experiment, ())
    sweeps = [folder.name for folder in sweep_control.running(workspace) if sweep_control.stop(folder)]
    has_viewer = viewer_process.stop(workspace)  # first, as it looks into the store
    has_notebooks = log_analysis.stop(settings, workspace)
    stopped = (
        [f"The sweep {name}" for name in sweeps]
        + ["The viewer"] * has_viewer
        + ["Log analysis"] * has_notebooks
    )
    stopped += list(stop_all.stop_all(workspace, settings))
    others = stop_all.foreign() if everywhere else []
    if others and not yes:
        click.confirm(f"Stop {', '.join(others)} of other workspaces as well?", abort=True, err=True)
    stopped += stop_all.stop_foreign(others)
    for name in stopped:
        present.result(f"{name} has stopped.")
    if not stopped:
        present.result("Nothing was running.")
    present.next_step("dr start-training", "start again")
