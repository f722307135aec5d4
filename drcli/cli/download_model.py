"""`dr download-model`: download a model from another bucket to this workspace's bucket."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("download-model")
@click.option(
    "-s", "--source", metavar="S3_URI", required=True, help="Address of the model: s3://bucket/prefix."
)
@click.option(
    "-t", "--target", metavar="PREFIX", required=True, help="Target prefix in this workspace's bucket."
)
@options.force
@click.option(
    "-w", "--wipe", is_flag=True, help="Also delete all other files under the target prefix (asks)."
)
@options.dry_run
@options.custom_files
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
    custom_files: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Download a model with the credentials of DR_UPLOAD_S3_PROFILE, all files or none.

    For models of drcli and DeepRacer-for-Cloud: every file is copied as it is. Models of other layouts, incomplete
    ones and archives are for `dr import-model`.

    The params documents are changed to name the new prefix. With -c the model's three custom files replace
    yours, which are kept as NAME.bak.

    \b
      dr download-model -s s3://my-models/fast-3 -t fast-3
      dr download-model -s s3://my-models/fast-3 -t fast-3 -c -d
    """
    from drcli.cli import transfer_summary
    from drcli.models import copies

    workspace, settings = options.load(experiment, overrides)
    prepared = copies.prepare_download(settings, workspace, source, target, is_dry=dry_run)
    if dry_run:
        transfer_summary.show_transfer(prepared, wipe=wipe, as_json=as_json)
        if custom_files:
            present.say(f"These custom files would then be written to {workspace.custom_files}:")
            transfer_summary.show_keys(list(copies.NEEDED.values()))
        present.next_step(f"dr download-model -s {source} -t {target}", "download it")
        return
    transfer_summary.agree_to_transfer(prepared, force=force, wipe=wipe)
    with present.transfer("downloading") as shown:
        files = copies.run(prepared, wipe=wipe, tell=shown.tell)
    transfer_summary.show_transferred(prepared, wipe=wipe, as_json=as_json)
    if custom_files:
        transfer_summary.write_custom_files(workspace, files, force=force)
    here = prepared.target.prefix
    present.next_step(f"dr evaluate --set DR_LOCAL_S3_MODEL_PREFIX={here}", "evaluate it")
