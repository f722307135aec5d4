"""`dr upload-model`: upload one checkpoint, all its files or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import import_findings, options, present
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.config.settings import Settings
    from drcli.models.upload import Upload
    from drcli.paths import Workspace
    from drcli.workspace.next_model import Increment


@click.command("upload-model")
@options.force
@click.option(
    "-w", "--wipe", is_flag=True, help="Also delete all other files under the target prefix (asks)."
)
@options.dry_run
@click.option("-b", "--best", is_flag=True, help="Upload the best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="Upload checkpoint N; also best, last or fastest.")
@click.option(
    "-p", "--prefix", metavar="PREFIX", help="Upload the model PREFIX, to the same prefix at the target."
)
@click.option(
    "-1", "increment", is_flag=True, help="Increment DR_UPLOAD_S3_PREFIX in run.env and upload to that."
)
@click.option(
    "-L", "--local", is_flag=True, help="Upload to this workspace's bucket instead of DR_UPLOAD_S3_BUCKET."
)
@click.option(
    "-i",
    "--strict",
    is_flag=True,
    help="Fail instead of warn if DeepRacer on AWS would refuse to import the model.",
)
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    force: bool,
    wipe: bool,
    dry_run: bool,
    best: bool,
    checkpoint: str | None,
    prefix: str | None,
    increment: bool,
    local: bool,
    strict: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Upload one checkpoint of a model with its documents to DR_UPLOAD_S3_PREFIX in DR_UPLOAD_S3_BUCKET.

    All files are uploaded next to the target first and then switched, so a failed upload leaves the target
    unchanged. The uploaded documents name the target. Warns about everything that DeepRacer on AWS would
    refuse to import.

    \b
      dr upload-model
      dr upload-model -b -1
      dr upload-model -c 12 -L -d
      dr upload-model -p team/model-3 -f
    """
    from drcli.models import upload

    which = options.chosen_checkpoint(best, checkpoint)
    if increment and prefix:
        hint = "-p names the target prefix, -1 increments the one in run.env."
        raise UsageError("-1 and -p cannot be combined.", hint)
    workspace, settings = options.load(experiment, overrides)
    counted = _next_upload(settings, workspace) if increment else None
    with present.live() as live:
        live.line("Checking the model")
        prepared = upload.prepare(
            settings,
            workspace,
            which,
            prefix=prefix,
            upload_prefix=counted.new if counted else None,
            is_local=local,
            is_dry=dry_run,
        )
    _show_findings(prepared, strict)
    if dry_run:
        _show_plan(prepared, as_json, wipe)
        return
    _send(prepared, counted, force, wipe)
    _show_done(prepared, as_json, wipe)
    present.next_step(_car(prefix, local), "upload the same model for a car")


def _next_upload(settings: Settings, workspace: Workspace) -> Increment:
    from drcli.workspace import next_model

    return next_model.plan_upload(settings, workspace)


def _send(prepared: Upload, counted: Increment | None, force: bool, wipe: bool) -> None:
    """Ask before something is replaced, upload, and only then save the incremented prefix."""
    from drcli.cli import transfer_summary
    from drcli.models import upload

    address, outdated = prepared.target.address, prepared.outdated(wipe=wipe)
    transfer_summary.agree_to_replace(address, len(prepared.existing), outdated, force=force, wipe=wipe)
    with present.transfer("uploading") as shown:
        upload.upload(prepared, wipe=wipe, tell=shown.tell)
    if counted:
        counted.edit.write()
        present.say(f"Changed {counted.name} in {counted.edit.path} from {counted.old} to {counted.new}.")


def _show_done(prepared: Upload, as_json: bool, wipe: bool) -> None:
    from drcli.cli import transfer_summary

    done = transfer_summary.summary(len(prepared.model.files), prepared.total_bytes)
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": False})
    else:
        present.result(f"{prepared.target.address}  {prepared.model.checkpoint.name}, {done}")
    if prepared.target.console:
        present.say(f"console: {prepared.target.console}")


def _car(prefix: str | None, local: bool) -> str:
    return "dr upload-car-zip" + (" -L" if local else "") + (f" -p {prefix}" if prefix else "")


def _show_findings(prepared: Upload, strict: bool) -> None:
    if prepared.was_finished:
        present.say(f"Finished an interrupted upload to {prepared.target.address}.")
    for warning in prepared.model.warnings:
        present.warn(warning)
    hint = "Omit -i (--strict) to upload it anyway." if strict else ""
    import_findings.show_refused(prepared.findings, hint=hint, but="; cars and drcli can use it")


def _show_plan(prepared: Upload, as_json: bool, wipe: bool) -> None:
    from drcli.cli import transfer_summary

    outdated = prepared.outdated(wipe=wipe)
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": True})
    else:
        model = prepared.model
        present.result(f"{model.source.address} -> {prepared.target.address}  {model.checkpoint.name}")
        transfer_summary.show_files(model.sizes)
        import_findings.show_notes(prepared.findings)
    if outdated:
        present.say(f"These {len(outdated)} files at the target would be deleted:")
        transfer_summary.show_keys(outdated)
    present.say(
        f"{transfer_summary.summary(len(prepared.model.files), prepared.total_bytes)}; nothing was changed."
    )
    present.next_step("dr upload-model", "upload it")
