"""`dr stop-metrics`: stop what `dr start-metrics` has started."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("stop-metrics")
@options.overrides
@click.pass_obj
def command(experiment: str | None, overrides: tuple[str, ...]) -> None:
    """Stop Grafana, Prometheus, InfluxDB and Telegraf. What they have collected stays.

    Runs do not notice.

    \b
      dr stop-metrics
    """
    from drcli.launch.docker import metrics_stack

    workspace, _ = options.load(experiment, overrides)
    is_stopped = metrics_stack.stop(workspace)
    present.result("The metrics stack has stopped." if is_stopped else "The metrics stack was not running.")
    present.next_step("dr start-metrics", "start it again")
