"""`dr url-loganalysis`: where the notebooks are."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("url-loganalysis")
@click.pass_obj
def command(experiment: str | None) -> None:
    """Show the address of the running JupyterLab, with its token.

    \b
      dr url-loganalysis
    """
    from drcli.launch.analysis import log_analysis

    workspace, settings = options.load(experiment, ())
    present.result(log_analysis.url(settings, workspace))
    present.next_step("dr stop-loganalysis", "stop it; notebooks stay")
