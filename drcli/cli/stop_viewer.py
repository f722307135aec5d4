"""`dr stop-viewer`: stop the viewer's server."""

from __future__ import annotations

import click

from drcli.cli import present


@click.command("stop-viewer")
@click.pass_obj
def command(experiment: str | None) -> None:
    """Stop serving the viewer's page; runs go on. Stopping a viewer that is not running is not an error.

    \b
      dr stop-viewer
    """
    from drcli.config.load import find_workspace
    from drcli.watch.viewer import viewer_process

    stopped = viewer_process.stop(find_workspace(experiment=experiment))
    present.result("The viewer has stopped." if stopped else "The viewer was not running.")
    present.next_step("dr start-viewer", "start it again")
