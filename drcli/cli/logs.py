"""`dr logs`: the log of a service."""

from __future__ import annotations

from contextlib import suppress

import click

from drcli.cli import options, present
from drcli.errors import UsageError

SERVICES = ("sagemaker", "robomaker", "rl_coach", "minio")


@click.command()
@click.argument("service", type=click.Choice(SERVICES), default="sagemaker")
@click.option(
    "-n",
    "--replica",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of the robomaker.",
)
@click.option("-f", "--follow", is_flag=True, help="Follow the log until the run ends.")
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Only the last N lines; 0: all.",
)
@click.option("--rewards", is_flag=True, help="All that the reward function printed in that robomaker.")
@click.option("--evaluation", is_flag=True, help="The log of the evaluation instead of the training.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    service: str,
    replica: int,
    follow: bool,
    tail: int,
    rewards: bool,
    evaluation: bool,
    overrides: tuple[str, ...],
) -> None:
    """Show the log of a service of the run DR_RUN_ID, even if the run has ended.

    \b
      dr logs                       # the trainer
      dr logs robomaker -n 2 -f     # the second worker, live
      dr logs robomaker --rewards   # what the reward function printed
    """
    from drcli.contract.run_name import RunKind
    from drcli.launch import log_sources

    if rewards and (service != "robomaker" or evaluation):
        raise UsageError(
            "--rewards needs a robomaker of a training.",
            "Rewards are computed there: `dr logs robomaker --rewards`.",
        )
    workspace, settings = options.load(experiment, overrides)
    kind: RunKind = "evaluation" if evaluation else "training"
    if rewards:
        lines = log_sources.read_rewards(settings, workspace, replica, tail=tail, follow=follow)
    else:
        lines = log_sources.read(
            settings, workspace, kind, service, replica=replica, tail=tail, follow=follow
        )
    with suppress(KeyboardInterrupt):
        for line in lines:
            present.result(line)
    present.next_step("dr status", "show the progress of the run")
