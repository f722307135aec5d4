"""`dr stop-training`: stop the run gracefully."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@options.overrides
@click.pass_obj
def command(experiment: str | None, overrides: tuple[str, ...]) -> None:
    """Stop the training of DR_RUN_ID; it writes its last checkpoint first. If nothing is running, nothing happens.

    \b
      dr stop-training
      dr stop-training --set DR_RUN_ID=1
    """
    from drcli.launch import run_control

    workspace, settings = options.load(experiment, overrides)
    if run_control.is_running(workspace, "training", settings.run_id):
        present.say("Stopping; the last checkpoint is written first.")
    if run_control.stop(workspace, "training", settings.run_id):
        present.result(f"The training of run {settings.run_id} has stopped.")
        present.next_step("dr evaluate", "evaluate the model, or continue with `dr start-training --resume`")
    else:
        present.result(f"No training of run {settings.run_id} is running.")
        present.next_step("dr start-training", "start one")
