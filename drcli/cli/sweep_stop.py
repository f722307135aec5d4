"""`dr sweep stop`: stop a sweep or a search and its runs gracefully."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("stop")
@click.argument("name", required=False)
@click.pass_obj
def command(experiment: str | None, name: str | None) -> None:
    """Stop a sweep or a search, NAME or the newest: trainings write their last checkpoint first. Nothing is lost.

    \b
      dr sweep stop
      dr sweep stop rewards
    """
    from drcli.sweep import sweep_control, sweep_folder

    workspace, _ = options.load(experiment, ())
    folder = sweep_folder.find(workspace, name)
    if folder.process is not None:
        present.say("Stopping; trainings write their last checkpoint first.")
    if sweep_control.stop(folder):
        present.result(f"{folder.name} has stopped.")
    else:
        present.result(f"{folder.name} is not running.")
    if sweep_control.is_over(folder):
        present.next_step(f"dr sweep results {folder.name}", "show the table")
    else:
        present.next_step(folder.read().command, "continue it")
