"""`dr stop-evaluation`: stop the evaluation."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@options.overrides
@click.pass_obj
def command(experiment: str | None, overrides: tuple[str, ...]) -> None:
    """Stop the evaluation of DR_RUN_ID; it writes no results. If nothing is running, nothing happens.

    \b
      dr stop-evaluation
    """
    from drcli.launch import run_control

    workspace, settings = options.load(experiment, overrides)
    stopped = run_control.stop(workspace, "evaluation", settings.run_id)
    text = "has stopped" if stopped else "is not running"
    present.result(f"The evaluation of run {settings.run_id} {text}.")
    present.next_step("dr evaluate", "start one")
