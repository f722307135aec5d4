"""`dr upload-car-zip`: pack a model in the format that a car installs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.models.car_upload import CarFile
    from drcli.models.model_location import ModelLocation


@click.command("upload-car-zip")
@click.option("-f", "--force", is_flag=True, help="Replace an existing car file without asking.")
@click.option("-b", "--best", is_flag=True, help="Pack the best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="Pack checkpoint N; also best, last or fastest.")
@click.option(
    "-p",
    "--prefix",
    metavar="PREFIX",
    help="Pack the model PREFIX, and upload to the same prefix at the target.",
)
@click.option(
    "-L", "--local", is_flag=True, help="Upload to this workspace's bucket instead of DR_UPLOAD_S3_BUCKET."
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write FILE instead of uploading; FILE is NAME.tar.gz, and the car will call the model NAME.",
)
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    force: bool,
    best: bool,
    checkpoint: str | None,
    prefix: str | None,
    local: bool,
    output: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Pack a model for a car and upload it as carfile.tar.gz to DR_UPLOAD_S3_PREFIX in DR_UPLOAD_S3_BUCKET.

    The archive contains agent/model.pb and model_metadata.json. The model does not have to be in training.
    A car names the model after the file.

    \b
      dr upload-car-zip -b
      dr upload-car-zip --output fast-3.tar.gz
      dr upload-car-zip -L -p team/model-3
    """
    from drcli.models import car_upload

    which = options.chosen_checkpoint(best, checkpoint)
    if output:
        _check_output(output, local)
    workspace, settings = options.load(experiment, overrides)
    if output:
        if output.exists() and not force:
            click.confirm(f"{output} already exists. Replace it?", abort=True, err=True)
        built = car_upload.build(settings, workspace, which, prefix)
        car_upload.write(built, output)
        _show(built, str(output), as_json)
        present.next_step(
            f"dr car push HOST --file {shlex.quote(str(output))}",
            "or upload it on the Models page of the car's console, or copy it from a USB stick",
        )
        return
    place = car_upload.target(settings, workspace, prefix, is_local=local)
    if not force and place.bucket.exists(place.prefix):
        click.confirm(f"{place.address} already exists. Replace it?", abort=True, err=True)
    built = car_upload.build(settings, workspace, which, prefix)
    _send(built, place)
    _show(built, place.address, as_json)
    if place.console_of_file:
        present.say(f"console: {place.console_of_file}")
    present.next_step("dr upload-car-zip --output NAME.tar.gz", "write it to a file named after the model")


def _check_output(output: Path, local: bool) -> None:
    from drcli.models.carfile import ENDING

    if not output.name.endswith(ENDING):
        raise UsageError(
            f"--output {output}: a car only accepts files named *{ENDING}.",
            f"Did you mean {output.name}{ENDING}?",
        )
    if local:
        raise UsageError("--output and -L cannot be combined.", "--output does not upload anything.")


def _send(built: CarFile, place: ModelLocation) -> None:
    from drcli.models import car_upload

    with present.transfer("uploading") as shown:
        car_upload.upload(built, place, shown.tell)


def _show(built: CarFile, where: str, as_json: bool) -> None:
    present.warn_all(built.warnings)
    if as_json:
        facts = {"model": built.source.address, "checkpoint": str(built.checkpoint), "target": where}
        present.as_json(facts | {"bytes": len(built.content)})
    else:
        present.result(f"{where}  {built.checkpoint}, {present.size(len(built.content))}")
