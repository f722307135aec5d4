"""`dr cloud pull`: bring the models and the logs of a job here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import cloud_options, options, present

if TYPE_CHECKING:
    from drcli.cloud.cloud_overview import JobView


@click.command("pull")
@click.argument("name", required=False)
@options.force
@options.as_json
@cloud_options.where
def command(cloud: cloud_options.Cloud, name: str | None, force: bool, as_json: bool) -> None:
    """Bring the models and logs of job NAME here; without NAME those of the newest job. Nothing is deleted there.

    Models go to the same prefix in this workspace's bucket, unless that is where the job has put them. Logs go to
    data/cloud/NAME/.

    \b
      dr cloud pull
      dr cloud pull fast-3 -f
    """
    from drcli.cloud import cloud_results
    from drcli.cloud.cloud_overview import find_job

    workspace, settings = cloud.loaded
    view = find_job(cloud.places(), name)
    if view.is_live:
        present.warn(f"{view.job.name} is still at work; what it has stored so far comes.")
    logs = cloud_results.fetch_logs(view, workspace)
    models = cloud_results.models_of(view)
    if cloud_results.is_here(view, settings, workspace):
        addresses = [f"s3://{view.place.bucket_name}/{model.prefix}" for model in models]
        present.say("The models are in the workspace's bucket already.")
    else:
        addresses = _copy_models(cloud, view, force)
    if as_json:
        present.as_json({"name": view.job.name, "models": addresses, "logs": [str(path) for path in logs]})
    else:
        for address in addresses:
            present.result(address)
        for path in logs:
            present.result(str(path))
    if not models:
        present.say(f"{view.job.name} has stored no model yet.")
    present.next_step("dr models", "see the models here; `dr cloud down --all` removes the rest from AWS")


def _copy_models(cloud: cloud_options.Cloud, view: JobView, force: bool) -> list[str]:
    """Copy what the job has trained; existing models are replaced only with -f, which asks nothing."""
    from drcli.cli import transfer_summary
    from drcli.cloud import cloud_results
    from drcli.models import copies

    workspace, settings = cloud.loaded
    addresses = []
    for prepared in cloud_results.prepare_pull(view, settings, workspace, cloud_results.models_of(view)):
        transfer_summary.agree_to_transfer(prepared, force=force, wipe=False)
        with present.transfer("copying") as shown:
            copies.run(prepared, wipe=False, tell=shown.tell)
        addresses.append(prepared.target.address)
    return addresses
