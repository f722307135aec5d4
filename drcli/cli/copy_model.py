"""`dr copy-model`: copy a model to another prefix."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("copy-model")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@options.force
@click.option("-w", "--wipe", is_flag=True, help="Also delete all other files under TO (asks).")
@options.dry_run
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    source: str,
    target: str,
    force: bool,
    wipe: bool,
    dry_run: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Copy a model to another prefix of this workspace's bucket. Its params documents name the new prefix.

    \b
      dr copy-model fast-3 fast-3-before-the-race
    """
    from drcli.cli import transfer_summary
    from drcli.models import copies

    workspace, settings = options.load(experiment, overrides)
    prepared = copies.prepare_copy(settings, workspace, source, target, is_dry=dry_run)
    if dry_run:
        transfer_summary.show_transfer(prepared, wipe=wipe, as_json=as_json)
        present.next_step(f"dr copy-model {source} {target}", "copy it")
        return
    transfer_summary.agree_to_transfer(prepared, force=force, wipe=wipe)
    with present.transfer("copying") as shown:
        copies.run(prepared, wipe=wipe, tell=shown.tell)
    transfer_summary.show_transferred(prepared, wipe=wipe, as_json=as_json)
    present.next_step("dr models", "list both models")
