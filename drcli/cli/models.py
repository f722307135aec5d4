"""`dr models`: list the models in the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import present

if TYPE_CHECKING:
    from drcli.store.model_list import ModelInfo


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def command(experiment: str | None, as_json: bool) -> None:
    """List the models in the bucket: track, checkpoints, best mean progress in an evaluation, size.

    \b
      dr models
      dr models --json
    """
    from drcli.config.load import find_workspace, load_settings
    from drcli.launch.bucket import open_bucket
    from drcli.store.model_list import list_models

    workspace = find_workspace(experiment=experiment)
    settings = load_settings(workspace)
    bucket = open_bucket(settings, workspace)
    models = list_models(bucket, settings.local_s3_training_params_file)
    if as_json:
        present.as_json([model.to_dict() for model in models])
    elif models:
        present.table(_row(model) for model in models)
    else:
        present.say(f"The {bucket.config.place} contains no models.")
    if models:
        present.next_step("dr evaluate", f"evaluate {settings.local_s3_model_prefix}")
    else:
        present.next_step("dr start-training", "train one")


def _row(model: ModelInfo) -> dict[str, object]:
    return {
        "model": model.prefix,
        "track": model.world_name,
        "race": model.race_type,
        "checkpoints": model.checkpoints,
        "best_progress_%": model.best_progress,
        "best": model.best_checkpoint,
        "last": model.last_checkpoint,
        "fastest": model.fastest_checkpoint,
        "size_MB": round(model.size_bytes / 1e6, 1),
        "last_change": f"{model.last_change.astimezone():%Y-%m-%d %H:%M}",
    }
