"""`dr start-metrics`: Grafana with a dashboard of all trainings on this machine."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("start-metrics")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Start Grafana, Prometheus, InfluxDB and Telegraf in containers, with a dashboard of trainings.

    Needs Docker, in every style; the first start downloads four images. Runs are seen from their next start on if
    DR_METRICS_PORT and DR_TELEGRAF_HOST are set. Everything is at 127.0.0.1; to look takes no login, and the password
    of Grafana's admin is in data/metrics/grafana-password.

    \b
      dr start-metrics
      dr start-training --set DR_METRICS_PORT=9200 --set DR_TELEGRAF_HOST=127.0.0.1
    """
    from drcli.launch.docker import metrics_spec, metrics_stack

    workspace, settings = options.load(experiment, overrides)
    password = metrics_stack.start(settings, workspace)
    if as_json:
        present.as_json({**metrics_spec.ADDRESSES, "password_file": str(password.file)})
        return
    present.result(f"The dashboard is at {metrics_spec.DASHBOARD}")
    if password.is_new:
        present.say(
            f"To edit it, log in as admin with the password {password.text}; it is kept in {password.file}."
        )
    if missing := metrics_spec.missing_settings(settings):
        present.say(f"Set {' and '.join(missing)} in system.env: runs that start then are shown.")
    present.next_step("dr start-training", "have something to look at")
