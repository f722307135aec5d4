"""`dr watch`: the live dashboard of a training."""

from __future__ import annotations

import click

from drcli.cli import options, present
from drcli.errors import DrError


@click.command()
@click.option("--once", is_flag=True, help="Print the present state of the run, and return.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, once: bool, overrides: tuple[str, ...]) -> None:
    """Watch the training DR_RUN_ID, from any shell, until it ends: as `dr start-training` shows it.

    Phase, speed, reward and progress, evaluations, losses, checkpoints and services. Ctrl-C closes the view, not the
    run. Where the output is not a terminal, there is a line for each event.

    \b
      dr watch
      dr watch --once
      dr watch --set DR_RUN_ID=1
    """
    from drcli.cli import follow_run
    from drcli.watch.dashboard.dashboard_layout import draw
    from drcli.watch.dashboard.run_reader import RunReader

    workspace, settings = options.load(experiment, overrides)
    reader = RunReader.of(settings, workspace)
    if once:
        reader.look()
        width, colour = present.terminal()
        present.result(present.render(draw(reader.dashboard(), width), width, colour=colour))
    else:
        follow_run.follow(reader)
        if reader.status.state == "failed":
            raise DrError(reader.status.message, reader.status.hint)
    if reader.is_over:
        present.next_step("dr evaluate", "evaluate the model; `dr start-training --resume` continues it")
    else:
        present.next_step("dr logs -f", "follow the trainer; `dr stop-training` stops the run")
