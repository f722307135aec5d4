"""`dr cloud logs`: the log of a job."""

from __future__ import annotations

from contextlib import suppress

import click

from drcli.cli import cloud_options, present


@click.command("logs")
@click.argument("name", required=False)
@click.option("-f", "--follow", is_flag=True, help="Follow it until the machine has ended.")
@click.option("--file", "file", metavar="LOG", help="Another log of the job, such as machine.log.")
@click.option("--list", "is_list", is_flag=True, help="List the logs of the job.")
@cloud_options.where
def command(
    cloud: cloud_options.Cloud, name: str | None, follow: bool, file: str | None, is_list: bool
) -> None:
    """Show what the command of job NAME prints; without NAME that of the newest job.

    The machine copies its logs to the bucket once a minute. Until the first ones have arrived, what EC2 has of the
    machine's console is shown.

    \b
      dr cloud logs -f
      dr cloud logs fast-3 --file machine.log
    """
    from drcli.cloud import machine_logs
    from drcli.cloud.cloud_overview import find_job

    view = find_job(cloud.places(), name)
    names = machine_logs.log_names(view)
    if is_list:
        for each in names:
            present.result(each)
    elif not names and file is None:
        text = machine_logs.console_output(view)
        present.say(f"No log of {view.job.name} has arrived yet{'; the console says:' if text else '.'}")
        if text:
            present.result(text)
    else:
        chosen = machine_logs.chosen_log(names, file)
        texts = (
            machine_logs.follow_log(view, chosen) if follow else iter([machine_logs.read_log(view, chosen)])
        )
        with suppress(KeyboardInterrupt):
            for text in texts:
                present.result(text.rstrip("\n"))
    present.next_step("dr cloud status", "see what is running, and what it costs")
