"""`dr delete-model`: delete all objects of one model, and nothing else."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("delete-model")
@click.argument("prefix")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-d", "--dry-run", is_flag=True, help="Show what would be deleted; delete nothing.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, prefix: str, yes: bool, dry_run: bool, overrides: tuple[str, ...]
) -> None:
    """Delete the model PREFIX from this workspace's bucket. Shows the files and asks first.

    Only this exact prefix is deleted, not PREFIX-10. A folder of several models and a model that a run is
    using are refused.

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
        present.next_step(f"dr delete-model {prefix}", "delete it")
        return
    if not yes:
        click.confirm(f"Delete the model {deletion.place.prefix} ({what})?", abort=True, err=True)
    deletion.run()
    present.result(f"{deletion.place.address}: {what} deleted.")
    present.next_step("dr models", "list the remaining models")
