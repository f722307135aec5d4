"""`dr droa list`: list the models in a DeepRacer on AWS."""

from __future__ import annotations

import click

from drcli.cli import droa_options, present


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print all that the API returns as JSON.")
@droa_options.connection
def command(connection: droa_options.Connection, as_json: bool) -> None:
    """List your models in a DeepRacer on AWS, the newest first. Times are UTC.

    \b
      dr droa list
      dr droa list --json
    """
    from drcli.droa.remote_models import list_models

    api = connection.open_api()
    models = list_models(api)
    if as_json:
        present.as_json([model.document for model in models])
    elif models:
        present.table(
            {
                "name": model.name,
                "id": model.model_id,
                "status": model.status,
                "training": model.training_status,
                "track": model.track,
                "race": model.race,
                "created": model.created,
            }
            for model in models
        )
    else:
        present.say(f"{api.session.username} has no models at {api.session.deployment.name}.")
    if models:
        present.next_step(f"dr droa get {models[0].name}", "download it")
    else:
        present.next_step("dr droa import", "import the model of this workspace")
