"""`dr droa import`: import a model into a DeepRacer on AWS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import droa_options, import_findings, options, present
from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.droa.api import Api
    from drcli.droa.model_import import ImportFiles
    from drcli.store.checkpoints import Which


@click.command("import")
@click.argument("source", required=False)
@click.option("--name", metavar="NAME", help="Name of the model there; default: made from SOURCE.")
@click.option("--description", metavar="TEXT", default="", help="Description of the model there.")
@click.option("-b", "--best", is_flag=True, help="Import the best checkpoint instead of the last.")
@click.option("-c", "--checkpoint", metavar="N", help="Import checkpoint N; also best, last or fastest.")
@click.option(
    "-f", "--force", is_flag=True, help="Import it although the checks say that it would be refused."
)
@click.option("-d", "--dry-run", is_flag=True, help="Check and show the files; change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the import has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the new model as JSON.")
@droa_options.connection
def command(
    connection: droa_options.Connection,
    source: str | None,
    name: str | None,
    description: str,
    best: bool,
    checkpoint: str | None,
    force: bool,
    dry_run: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Import a model into a DeepRacer on AWS and wait until it is ready there.

    SOURCE is the prefix of a model in this workspace's bucket (default: DR_LOCAL_S3_MODEL_PREFIX), of which one
    checkpoint is imported, with the files that upload-model would upload; or a folder with those files. What the
    import would refuse is found before anything is uploaded.

    \b
      dr droa import
      dr droa import fast-3 --name fast-3 -b
      dr droa import ./extracted-model
    """
    from drcli.droa import model_import

    which = options.chosen_checkpoint(best, checkpoint)
    name = name or model_import.name_for(source or connection.settings.local_s3_model_prefix)
    model_import.check_texts(name, description)
    api = connection.open_api()
    with present.live() as shown:
        shown.line("Checking the model")
        found = _collect(connection, source, which, api)
    present.warn_all(found.warnings)
    import_findings.show_refused(found.findings, hint="" if force else "-f tries it anyway.")
    import_findings.show_notes(found.findings)
    if dry_run:
        _show_plan(found, name)
        return
    model_id = _send(found, api, name, description)
    if no_wait:
        _show(api, model_id, as_json)
        present.next_step(f"dr droa show {model_id}", "see whether it has been imported")
        return
    with present.live() as shown:
        model_import.wait(api, model_id, lambda status: shown.line(f"{name} is {status}"))
    _show(api, model_id, as_json)
    present.next_step(f"evaluate or race {name} at {api.session.deployment.name}", "in a browser")


def _collect(connection: droa_options.Connection, source: str | None, which: Which, api: Api) -> ImportFiles:
    from drcli.droa import model_import

    folder = Path(source).expanduser() if source else None
    if folder is not None and folder.is_dir():
        return model_import.from_folder(folder)
    if source and source.startswith((".", "/", "~")):
        raise DrError(f"The folder {source} was not found.")
    workspace, settings = options.load(connection.experiment, connection.overrides)
    bucket = api.session.deployment.upload_bucket
    return model_import.from_prefix(settings, workspace, source, which, bucket)


def _show_plan(found: ImportFiles, name: str) -> None:
    from drcli.cli import transfer_summary

    present.result(f"{found.origin} -> {name}")
    transfer_summary.show_files(found.sizes)
    present.say(f"{transfer_summary.summary(len(found.files), found.total_bytes)}; nothing was changed.")
    present.next_step("dr droa import", "import it")


def _send(found: ImportFiles, api: Api, name: str, description: str) -> str:
    from drcli.cli import transfer_summary
    from drcli.droa import model_import
    from drcli.droa.remote_models import list_models

    if any(model.name == name for model in list_models(api)):
        present.warn(f"There is already a model {name}; only its id will tell them apart.")
    with present.transfer("uploading") as shown:
        model_import.upload(found, api.session, shown.tell)
    model_id = model_import.start(found, api, name, description)
    what = transfer_summary.summary(len(found.files), found.total_bytes)
    present.say(f"Uploaded {found.origin}, {what}. Ctrl-C ends the waiting, not the import.")
    return model_id


def _show(api: Api, model_id: str, as_json: bool) -> None:
    from drcli.droa.remote_models import get_model

    model = get_model(api, model_id)
    if as_json:
        present.as_json(model.document)
    else:
        present.result(f"{model}  {model.status}")
