"""`dr droa show`: what a DeepRacer on AWS knows about a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import droa_options, present

if TYPE_CHECKING:
    from drcli.droa.remote_models import RemoteModel


@click.command("show")
@click.argument("model")
@click.option("-v", "--verbose", is_flag=True, help="Also the action space and the reward function.")
@click.option("--json", "as_json", is_flag=True, help="Print all that the API returns as JSON.")
@droa_options.connection
def command(connection: droa_options.Connection, model: str, verbose: bool, as_json: bool) -> None:
    """Show the status, the training and the settings of MODEL, a name or an id.

    \b
      dr droa show fast-3
      dr droa show fast-3 --json
    """
    from drcli.droa.remote_models import find_model, get_model

    api = connection.open_api()
    found = get_model(api, find_model(api, model).model_id)
    if as_json:
        present.as_json(found.document)
    else:
        _print(found, verbose)
    if found.status == "READY":
        present.next_step(f"dr droa get {model}", "download it")
    elif found.status == "ERROR":
        present.next_step(f"dr droa delete {model}", "delete it")
    else:
        present.next_step(f"dr droa show {model}", "look again")


def _print(model: RemoteModel, verbose: bool) -> None:
    facts = model.document
    metadata, car = facts.get("metadata") or {}, facts.get("carCustomization") or {}
    count = facts.get("fileSizeInBytes")
    lines = {
        "name": model.name,
        "id": model.model_id,
        "description": facts.get("description"),
        "status": model.status,
        "import failed": model.import_error,
        "training": model.training_status,
        "track": model.track,
        "race": model.race,
        "algorithm": metadata.get("agentAlgorithm"),
        "sensors": ", ".join(str(name) for name in (metadata.get("sensors") or {}).values()),
        "car": " ".join(str(car[key]) for key in ("carShell", "carColor") if car.get(key)),
        "created": f"{model.created} UTC",
        "size": present.size(count) if isinstance(count, int) else None,
    }
    lines |= {name: value for name, value in (metadata.get("hyperparameters") or {}).items()}
    for name, value in lines.items():
        if value not in (None, ""):
            present.result(f"{name:<30} {value}")
    if verbose:
        import json

        present.result(f"\n{json.dumps(metadata.get('actionSpace'), indent=2)}")
        present.result(f"\n{metadata.get('rewardFunction') or ''}")
