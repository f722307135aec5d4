"""`dr droa logs`: download logs from a DeepRacer on AWS."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import droa_options, present
from drcli.errors import DrError


@click.command("logs")
@click.argument("model")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--evaluation", metavar="ID", help="The logs of this evaluation; also last.")
@click.option("-f", "--force", is_flag=True, help="Replace an existing file without asking.")
@droa_options.connection
def command(
    connection: droa_options.Connection, model: str, target: Path | None, evaluation: str | None, force: bool
) -> None:
    """Download the logs, the metrics and the traces of a training of MODEL, a name or an id, or of an evaluation.

    They exist once the training or the evaluation has ended. The file appears once it is complete.

    \b
      dr droa logs fast-3
      dr droa logs fast-3 logs/fast-3.tar.gz
      dr droa logs fast-3 --evaluation last
    """
    from drcli.droa import assets
    from drcli.droa.remote_models import evaluation_ids, find_model

    api = connection.open_api()
    found = find_model(api, model)
    asset = assets.training_logs(found)
    if evaluation:
        ids = evaluation_ids(api, found)
        chosen = next(iter(ids), None) if evaluation == "last" else evaluation
        if chosen not in ids:
            hint = f"It has: {', '.join(ids)}." if ids else "It has not been evaluated there."
            raise DrError(f"{found} has no such evaluation: {evaluation}.", hint)
        asset = assets.evaluation_logs(found, str(chosen))
    path = droa_options.fetch(api, found, asset, target, force)
    present.next_step(f"tar tzf {path}", "list its files")
