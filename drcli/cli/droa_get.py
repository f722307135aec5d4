"""`dr droa get`: download a model from a DeepRacer on AWS."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import droa_options, present


@click.command("get")
@click.argument("model")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--car", is_flag=True, help="The archive that a car installs, instead of the whole model.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file without asking.")
@droa_options.connection
def command(
    connection: droa_options.Connection, model: str, target: Path | None, car: bool, force: bool
) -> None:
    """Download MODEL, a name or an id, to a file or into a folder. Default: the current folder.

    The archive contains everything of the model, and the deployment packs it first, which can take minutes. With
    --car it is the smaller one for a car, which calls the model like the file. The file appears once it is complete.

    \b
      dr droa get fast-3
      dr droa get fast-3 archives/fast-3.tar.gz
      dr droa get --car fast-3 /media/usb
    """
    from drcli.droa import assets
    from drcli.droa.remote_models import find_model

    api = connection.open_api()
    found = find_model(api, model)
    asset = assets.car_model(found) if car else assets.virtual_model(found)
    path = droa_options.fetch(api, found, asset, target, force)
    if car:
        present.next_step(f"dr car push HOST --file {path}", "put it on a car")
    else:
        present.next_step(f"dr import-model {path}", "bring it into this workspace's bucket")
