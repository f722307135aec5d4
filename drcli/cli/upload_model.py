"""`dr upload-model`: one checkpoint, all its files or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.models.upload import Upload
    from drcli.store.checkpoints import Which


@click.command("upload-model")
@click.option("-f", "--force", is_flag=True, help="Replace a model that is there; do not ask.")
@click.option("-w", "--wipe", is_flag=True, help="Delete everything else under the target prefix (asks).")
@click.option("-d", "--dry-run", is_flag=True, help="Show what would be done; touch nothing.")
@click.option("-b", "--best", is_flag=True, help="The best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="The checkpoint of this number; also best or last.")
@click.option("-p", "--prefix", metavar="PREFIX", help="The model PREFIX, to the same prefix there.")
@click.option("-1", "increment", is_flag=True, help="Count DR_UPLOAD_S3_PREFIX up first (in run.env).")
@click.option("-L", "--local", is_flag=True, help="To this workspace's bucket instead of AWS.")
@click.option(
    "-i",
    "--strict",
    is_flag=True,
    help="For an import: refuse what DeepRacer on AWS would refuse, instead of a warning.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
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
    """Upload a model: one checkpoint with its documents, to DR_UPLOAD_S3_BUCKET and DR_UPLOAD_S3_PREFIX.

    All files arrive beside the target first and are switched then: a failed upload leaves the target as it
    was. The documents there name the target. What the import of DeepRacer on AWS would refuse is said.

    \b
      dr upload-model
      dr upload-model -b -1
      dr upload-model -c 12 -L -d
      dr upload-model -p team/model-3 -f
    """
    from drcli.cli import transfer_summary
    from drcli.models import upload

    which = _which(best, checkpoint)
    if increment and prefix:
        raise UsageError("-1 and -p contradict each other.", "-p names the prefix there, -1 counts it up.")
    workspace, settings = options.load(experiment, overrides)
    counted = None
    if increment:
        from drcli.workspace import next_model

        counted = next_model.plan_upload(settings, workspace)
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
    outdated = prepared.outdated(wipe=wipe)
    if dry_run:
        _show_plan(prepared, outdated, as_json, wipe)
        return
    address = prepared.target.address
    transfer_summary.agree_to_replace(address, len(prepared.existing), outdated, force=force, wipe=wipe)
    with present.transfer("uploading") as shown:
        upload.upload(prepared, wipe=wipe, tell=shown.tell)
    if counted:
        counted.edit.write()
        present.say(f"{counted.name} is {counted.new} in {counted.edit.path}, it was {counted.old}.")
    _show_done(prepared, as_json, wipe)
    present.next_step(_car(prefix, local), "the same model for a car")


def _show_done(prepared: Upload, as_json: bool, wipe: bool) -> None:
    from drcli.cli import transfer_summary

    done = transfer_summary.summary(len(prepared.files), prepared.total_bytes)
    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": False})
    else:
        present.result(f"{prepared.target.address}  {prepared.checkpoint.name}, {done}")
    if prepared.target.console:
        present.say(f"console: {prepared.target.console}")


def _which(best: bool, checkpoint: str | None) -> Which:
    if best and checkpoint:
        raise UsageError("-b and -c contradict each other.", "-c best is the same as -b.")
    chosen = options.checkpoint(checkpoint)
    return "best" if best else "last" if chosen is None else chosen  # 0 is a number, too


def _car(prefix: str | None, local: bool) -> str:
    return "dr upload-car-zip" + (" -L" if local else "") + (f" -p {prefix}" if prefix else "")


def _show_findings(prepared: Upload, strict: bool) -> None:
    from drcli.models.console_import import refused

    if prepared.was_finished:
        present.say(f"An upload to {prepared.target.address} that had been cut off was finished.")
    for warning in prepared.warnings:
        present.warn(warning)
    bad = refused(list(prepared.findings))
    lines = "\n".join(f"  {finding}" for finding in bad)
    if bad and strict:
        raise DrError(
            f"DeepRacer on AWS would refuse to import this model:\n{lines}",
            "Without -i (--strict) it is uploaded all the same.",
        )
    if bad:
        present.warn(
            f"DeepRacer on AWS would refuse to import this model; cars and drcli don't mind:\n{lines}"
        )


def _show_plan(prepared: Upload, outdated: list[str], as_json: bool, wipe: bool) -> None:
    from drcli.cli import transfer_summary

    if as_json:
        present.as_json(prepared.to_dict(wipe=wipe) | {"dry_run": True})
    else:
        present.result(f"{prepared.source.address} -> {prepared.target.address}  {prepared.checkpoint.name}")
        transfer_summary.show_files(prepared.sizes)
        for finding in prepared.findings:
            if finding.severity == "note":
                present.say(f"note: {finding}")
    if outdated:
        present.say(f"At the target these {len(outdated)} files would be deleted:")
        transfer_summary.show_keys(outdated)
    present.say(
        f"{transfer_summary.summary(len(prepared.files), prepared.total_bytes)}; nothing was touched."
    )
    present.next_step("dr upload-model", "the same without -d")
