"""`dr scale`: change the number of workers of a running training."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command()
@click.argument("workers", type=click.IntRange(min=1), metavar="N")
@options.overrides
@click.pass_obj
def command(experiment: str | None, workers: int, overrides: tuple[str, ...]) -> None:
    """Change the number of workers of the running training to N. Returns once they are running.

    Training continues meanwhile: the episodes of a removed worker are driven by another one. The next start uses
    DR_WORKERS again.

    \b
      dr scale 4
      dr scale 1 --set DR_RUN_ID=1
    """
    from drcli.launch import run_control

    workspace, settings = options.load(experiment, overrides)
    run_control.revive(workspace, settings.run_id, settings)
    run_control.scale(workspace, settings.run_id, workers)
    present.result(
        f"The training of run {settings.run_id} has {workers} worker{'s' if workers > 1 else ''} now."
    )
    present.next_step("dr status", "show the workers")
