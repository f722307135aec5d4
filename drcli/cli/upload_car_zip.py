"""`dr upload-car-zip`: a model as a car installs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.models.car_upload import CarFile
    from drcli.models.upload import ModelLocation

_ENDING = ".tar.gz"


@click.command("upload-car-zip")
@click.option("-f", "--force", is_flag=True, help="Replace a car file that is there; do not ask.")
@click.option("-b", "--best", is_flag=True, help="The best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="The checkpoint of this number; also best or last.")
@click.option("-p", "--prefix", metavar="PREFIX", help="The model PREFIX, to the same prefix there.")
@click.option("-L", "--local", is_flag=True, help="To this workspace's bucket instead of AWS.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write FILE (NAME.tar.gz, NAME as the car shall call the model); upload nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
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
    """Pack a model for a car and upload it as carfile.tar.gz to DR_UPLOAD_S3_PREFIX. Needs no running training.

    The file holds agent/model.pb and model_metadata.json. A car calls the model what the file is called.

    \b
      dr upload-car-zip -b
      dr upload-car-zip --output fast-3.tar.gz
      dr upload-car-zip -L -p team/model-3
    """
    from drcli.models import car_upload

    if best and checkpoint:
        raise UsageError("-b and -c contradict each other.", "-c best is the same as -b.")
    if output and not output.name.endswith(_ENDING):
        raise UsageError(
            f"--output {output}: a car takes files named *{_ENDING}.", f"{output.name}{_ENDING}?"
        )
    if output and local:
        raise UsageError("--output and -L contradict each other.", "--output uploads nothing.")
    workspace, settings = options.load(experiment, overrides)
    chosen = options.checkpoint(checkpoint)
    which = "best" if best else "last" if chosen is None else chosen
    if output:
        if output.exists() and not force:
            click.confirm(f"{output} exists; replace it?", abort=True, err=True)
        built = car_upload.build(settings, workspace, which, prefix)
        car_upload.write(built, output)
        _show(built, str(output), as_json)
        present.next_step(f"upload {output.name} on the car's page Models", "its console, or a USB stick")
        return
    place = car_upload.target(settings, workspace, prefix, is_local=local)
    if not force and place.bucket.exists(place.prefix):
        click.confirm(f"{place.address} exists; replace it?", abort=True, err=True)
    built = car_upload.build(settings, workspace, which, prefix)
    _send(built, place)
    _show(built, place.address, as_json)
    if place.console_of_file:
        present.say(f"console: {place.console_of_file}")
    present.next_step("dr upload-car-zip --output NAME.tar.gz", "the same as a file, under a name of its own")


def _send(built: CarFile, place: ModelLocation) -> None:
    from drcli.models import car_upload

    with present.transfer("uploading") as shown:
        car_upload.upload(built, place, shown.tell)


def _show(built: CarFile, where: str, as_json: bool) -> None:

    if as_json:
        facts = {"model": built.source.address, "checkpoint": str(built.checkpoint), "target": where}
        present.as_json(facts | {"bytes": len(built.content)})
    else:
        present.result(f"{where}  {built.checkpoint}, {present.size(len(built.content))}")
