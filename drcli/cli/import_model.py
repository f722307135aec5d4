"""`dr import-model`: bring a model from elsewhere into this workspace's bucket."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from drcli.models.import_model import ModelImport


@click.command("import-model")
@click.argument("source", metavar="FILE|FOLDER|S3_URI")
@click.option(
    "-p", "--prefix", metavar="PREFIX", help="Prefix in this workspace's bucket; default: the source's name."
)
@options.force
@click.option("-w", "--wipe", is_flag=True, help="Also delete all other files under PREFIX (asks).")
@options.dry_run
@options.custom_files
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    source: str,
    prefix: str | None,
    force: bool,
    wipe: bool,
    dry_run: bool,
    custom_files: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Bring a model from elsewhere into this workspace's bucket, all files or none.

    The source is a download of the AWS console or of DeepRacer on AWS, a car's archive, or a copy of a bucket
    folder: as .tar.gz, .tar or .zip, as a folder, or at s3://bucket/prefix (read with the credentials of
    DR_UPLOAD_S3_PROFILE). Its files get the names they have in our buckets; unknown ones are left out. A
    car's archive has no reward function and no hyperparameters: such a model can be driven and trained on from.

    `dr download-model` copies a complete model of drcli or DeepRacer-for-Cloud as it is.

    \b
      dr import-model ~/Downloads/fast-3.tar.gz --dry-run
      dr import-model ~/Downloads/fast-3.tar.gz -p fast-3 -c
      dr import-model s3://their-bucket/models/fast-3
    """
    from drcli.cli import transfer_summary
    from drcli.models import import_model, import_sources

    workspace, settings = options.load(experiment, overrides)
    with present.transfer("reading") as shown:
        opening = import_sources.opened(settings, source, shown.tell)
        found = click.get_current_context().with_resource(opening)
    prepared = import_model.prepare(settings, workspace, found, prefix, is_dry=dry_run)
    if dry_run:
        transfer_summary.show_transfer(prepared, wipe=wipe, as_json=as_json)
        _describe(prepared)
        if custom_files:
            present.say(f"These custom files would then be written to {workspace.custom_files}:")
            transfer_summary.show_keys(list(prepared.custom_files))
        present.next_step(f"dr import-model {shlex.quote(source)} -p {prepared.target.prefix}", "import it")
        return
    transfer_summary.agree_to_transfer(prepared, force=force, wipe=wipe)
    with present.transfer("importing") as shown:
        import_model.run(prepared, wipe=wipe, tell=shown.tell)
    transfer_summary.show_transferred(prepared, wipe=wipe, as_json=as_json)
    _describe(prepared)
    if custom_files:
        transfer_summary.write_custom_files(workspace, prepared.custom_files, force=force)
    here = prepared.target.prefix
    pretrained = f"--set DR_LOCAL_S3_PRETRAINED=True --set DR_LOCAL_S3_PRETRAINED_PREFIX={here}"
    present.say(f"To train on from it: dr start-training {pretrained}")
    present.next_step(f"dr evaluate --set DR_LOCAL_S3_MODEL_PREFIX={here}", "evaluate it")


def _describe(prepared: ModelImport) -> None:
    """What the model is, and what about it differs from ours."""
    names, index = prepared.model.checkpoints.names, prepared.model.checkpoints.index
    present.say(f"{prepared.model.facts}.")
    present.say(f"Checkpoints: {len(names)}; best {index.best.name}, last {index.last.name}.")
    if prepared.model.ignored:
        present.say(f"Files that are no part of a model, left out: {prepared.model.ignored}.")
    present.warn_all(prepared.model.warnings)
