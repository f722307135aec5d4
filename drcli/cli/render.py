"""`dr render`: print params documents as they would be uploaded; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from drcli.cli import options, present


@click.command()
@click.argument("kind", type=click.Choice(["training", "evaluation", "upload"]))
@click.option("-c", "--clone", is_flag=True, help="For an evaluation: like `dr evaluate -c`.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, kind: str, clone: bool, overrides: Sequence[str]) -> None:
    """Print the params document of a training, an evaluation or an upload, exactly as it would be uploaded.

    With DR_TRAIN_MULTI_CONFIG a training has one document per worker. Nothing is written or started.

    \b
      dr render training
      dr render evaluation --set DR_EVAL_CHECKPOINT=best
    """
    from drcli.config import params_documents
    from drcli.config.load import find_workspace, load_settings, load_workers
    from drcli.launch.store_access import services_endpoint, store_config

    workspace = find_workspace(experiment=experiment)
    settings = load_settings(workspace, overrides)
    endpoint = services_endpoint(settings, store_config(settings, workspace))
    workers = load_workers(workspace, settings) if kind == "training" else ()
    if kind == "training":
        documents = params_documents.render_training(settings, endpoint, workers)
    elif kind == "evaluation":
        documents = (
            params_documents.render_evaluation(settings, endpoint, datetime.now().astimezone(), clone),
        )
    else:
        documents = (
            params_documents.render_upload(settings, settings.upload_s3_bucket, settings.upload_s3_prefix),
        )
    for notice in dict.fromkeys(notice for each in (settings, *workers) for notice in each.notices):
        present.warn(notice)
    for document in documents:
        present.say(f"# {document.key}")
        present.result(params_documents.to_yaml(document.values).rstrip("\n"))
    _name_next_step(kind)


def _name_next_step(kind: str) -> None:
    if kind == "evaluation":
        present.next_step("dr evaluate", "upload it and evaluate the model")
    elif kind == "upload":
        present.next_step("dr upload-model -d", "show what else would be uploaded")
    else:
        present.next_step("dr start-training", "upload it and train")
