"""`dr stop-loganalysis`: stop the notebooks' server."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("stop-loganalysis")
@click.pass_obj
def command(experiment: str | None) -> None:
    """Stop JupyterLab and everything that its notebooks compute. Stopping it twice is not an error.

    Notebooks stay in data/analysis.

    \b
      dr stop-loganalysis
    """
    from drcli.launch.analysis import log_analysis

    workspace, settings = options.load(experiment, ())
    is_stopped = log_analysis.stop(settings, workspace)
    present.result("Log analysis has stopped." if is_stopped else "Log analysis was not running.")
    present.next_step("dr start-loganalysis", "start it again")
