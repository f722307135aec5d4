"""`dr increment-upload-model`: the next upload gets a new prefix."""

from __future__ import annotations

import click

from drcli.cli import increment_options, options, present


@click.command()
@increment_options.common
@click.pass_obj
def command(
    experiment: str | None,
    force: bool,
    wipe: bool,
    prefix: str,
    delimiter: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Prepare run.env for the next upload: increment DR_UPLOAD_S3_PREFIX and change nothing else.

    Shows the change and asks first. -w wipes the new prefix in the upload bucket (DR_UPLOAD_S3_BUCKET).

    \b
      dr increment-upload-model
      dr increment-upload-model -f -d _
    """
    from drcli.workspace import next_model as library

    workspace, settings = options.load(experiment, ())
    planned = library.plan_upload(settings, workspace, prefix=prefix, delimiter=delimiter)
    leftovers = library.upload_leftovers(planned) if wipe else None
    increment_options.carry_out(planned, leftovers, force=force, dry_run=dry_run, as_json=as_json)
    if dry_run:
        present.next_step("dr increment-upload-model", "make the change")
    else:
        present.next_step("dr upload-model", f"upload to {planned.new}")
