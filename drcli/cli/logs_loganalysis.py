"""`dr logs-loganalysis`: what JupyterLab says."""

from __future__ import annotations

from contextlib import suppress

import click

from drcli.cli import options, present


@click.command("logs-loganalysis")
@click.option("-f", "--follow", is_flag=True, help="Follow the log until log analysis is stopped.")
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Only the last N lines; 0: all.",
)
@click.pass_obj
def command(experiment: str | None, follow: bool, tail: int) -> None:
    """Show the log of JupyterLab; for what a notebook prints, see the notebook.

    \b
      dr logs-loganalysis -f
    """
    from drcli.launch.analysis import log_analysis

    workspace, settings = options.load(experiment, ())
    with suppress(KeyboardInterrupt):
        for line in log_analysis.log(settings, workspace, tail, follow=follow):
            present.result(line)
    present.next_step("dr url-loganalysis", "show its address")
