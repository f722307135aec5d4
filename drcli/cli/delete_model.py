"""`dr delete-model`: all objects of one model, and nothing else."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("delete-model")
@click.argument("prefix")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-d", "--dry-run", is_flag=True, help="Show what would be deleted; touch nothing.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, prefix: str, yes: bool, dry_run: bool, overrides: tuple[str, ...]
) -> None:
    """Delete the model PREFIX from this workspace's bucket, after showing what goes; asks with its name.

    Neither PREFIX-10 nor a folder of several models is touched; nor is a model that a run is using.

    \b
      dr delete-model fast-3
    """
    from drcli.cli import transfer_summary
    from drcli.models import copies

    workspace, settings = options.load(experiment, overrides)
    deletion = copies.prepare_delete(settings, workspace, prefix, is_dry=dry_run)
    transfer_summary.show_keys([info.key for info in deletion.objects])
    what = transfer_summary.summary(len(deletion.objects), deletion.total_bytes)
    if dry_run:
        present.result(f"{deletion.place.address}: {what} would be deleted.")
        present.next_step(f"dr delete-model {prefix}", "the same without -d")
        return
    if not yes:
        click.confirm(f"Delete the model {deletion.place.prefix} ({what})?", abort=True, err=True)
    deletion.run()
    present.result(f"{deletion.place.address}: {what} deleted.")
    present.next_step("dr models", "what is left")
