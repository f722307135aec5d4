"""`dr car`: put models on a physical car, list and delete them, over the web server of its console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import options, present
from drcli.cli.car_access import of_a_car
from drcli.errors import DrError, UsageError

if TYPE_CHECKING:
    from drcli.car.web_server import CarModel
    from drcli.cli.car_access import CarAccess


@click.group()
def command() -> None:
    """Put models on a physical car, list and delete them.

    HOST is the car's name or IP address, with :PORT if its console is not on 443. The car's certificate is shown on
    first use and kept; if it changes, commands refuse to send the password (docs/car.md).

    \b
      dr car push 192.168.1.7 -b
      dr car list 192.168.1.7
      dr car delete 192.168.1.7 model-3
    """


@command.command()
@of_a_car
@click.option(
    "-p", "--prefix", metavar="PREFIX", help="Push the model PREFIX; default: DR_LOCAL_S3_MODEL_PREFIX."
)
@click.option("-b", "--best", is_flag=True, help="Push the best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="Push checkpoint N; also best or last.")
@click.option(
    "--name", metavar="NAME", help="Its name on the car; default: the last part of PREFIX, or FILE's."
)
@click.option(
    "--file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Push this .tar.gz, packed for a car, instead of a model in the bucket.",
)
@click.option("-f", "--force", is_flag=True, help="Replace a model of the same name without asking.")
@options.overrides
@click.pass_obj
def push(
    experiment: str | None,
    access: CarAccess,
    prefix: str | None,
    best: bool,
    checkpoint: str | None,
    name: str | None,
    file: Path | None,
    force: bool,
    overrides: tuple[str, ...],
) -> None:
    """Pack a model, upload it to a car and wait until it is installed there.

    \b
      dr car push 192.168.1.7
      dr car push deepracer.local -p team/model-3 -b --name fast-3
      dr car push 192.168.1.7 --file fast-3.tar.gz
    """
    if file and (prefix or best or checkpoint):
        raise UsageError("--file cannot be combined with -p, -b or -c.", "They choose a model in the bucket.")
    which = options.chosen_checkpoint(best, checkpoint)
    if file:
        name, archive, what = _read(file, name)
    else:
        from drcli.models import car_upload, carfile

        workspace, settings = options.load(experiment, overrides)
        name = carfile.model_name(name) if name else None
        built = car_upload.build(settings, workspace, which, prefix)
        present.warn_all(built.warnings)
        name, archive = name or carfile.name_for(built.source.prefix), built.content
        what = f"{built.source.address} {built.checkpoint}"
    _push(access, name, archive, what, force)


@command.command("list")
@of_a_car
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_command(access: CarAccess, as_json: bool) -> None:
    """List the models on a car.

    \b
      dr car list 192.168.1.7
      dr car list 192.168.1.7 --json --password-stdin < password.txt
    """
    found = access.open().models()
    if as_json:
        from dataclasses import asdict

        present.as_json(
            [asdict(model) | {"uploaded": model.uploaded and model.uploaded.isoformat()} for model in found]
        )
    elif found:
        present.table(_row(model) for model in found)
    else:
        present.say(f"There are no models on {access.address}.")
    broken = next((model.name for model in found if not model.is_installed), None)
    if broken:
        present.next_step(f"dr car delete {access.address} {broken}", "its graph or metadata is missing")
    else:
        present.next_step(f"dr car push {access.address}", "put a model on it")


@command.command()
@of_a_car
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
def delete(access: CarAccess, models: tuple[str, ...], force: bool) -> None:
    """Delete models from a car.

    \b
      dr car delete 192.168.1.7 model-3
      dr car delete -f 192.168.1.7 model-3 model-4
    """
    server = access.open()
    found = {model.name: model for model in server.models()}
    names = list(dict.fromkeys(models))
    missing = [name for name in names if name not in found]
    if missing:
        raise DrError(
            f"{access.address} has no model {', '.join(missing)}.", f"It has: {', '.join(found) or 'none'}."
        )
    if not force:
        click.confirm(f"Delete {', '.join(names)} from {access.address}?", abort=True, err=True)
    server.delete(names)
    present.result(f"Deleted {', '.join(names)} from {access.address}.")
    present.next_step(f"dr car list {access.address}", "see what is left")


def _read(file: Path, name: str | None) -> tuple[str, bytes, str]:
    """The name on the car, the content and the description of a given archive."""
    from drcli.models import carfile

    if not file.name.endswith(carfile.ENDING):
        raise UsageError(f"--file {file}: a car only accepts files named *{carfile.ENDING}.")
    name = carfile.model_name(name or file.name.partition(".")[0])
    try:
        archive = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}.") from None
    carfile.check(archive, str(file))
    return name, archive, str(file)


def _push(access: CarAccess, name: str, archive: bytes, what: str, force: bool) -> None:
    server = access.open()
    if not force and server.has_folder(name):
        click.confirm(f"{access.address} already has a model {name}. Replace it?", abort=True, err=True)
    with present.transfer("uploading") as shown:
        said = server.upload(name, archive, shown.tell)
    with present.live() as status:
        status.line(f"{access.address} is installing {name}")
        server.wait_for(name, said)
    present.result(f"{name} is on {access.address}: {what}, {present.size(len(archive))}")
    present.next_step(access.address.url, f"in the car's console choose {name} for autonomous driving")


def _row(model: CarModel) -> dict[str, object]:
    state = "ready" if model.is_selectable else "sensor missing" if model.is_installed else "not installed"
    return {
        "name": model.name,
        "sensors": model.sensors,
        "algorithm": model.training_algorithm,
        "actions": model.action_space_type,
        "size": model.size,
        "uploaded": f"{model.uploaded:%Y-%m-%d %H:%M}" if model.uploaded else None,
        "state": state,
    }
