"""`dr evaluations`: list the evaluations in the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from drcli.store.evaluation_list import EvaluationInfo


@click.command()
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List those of all models, not only of DR_LOCAL_S3_MODEL_PREFIX.",
)
@click.option("-p", "--prefix", metavar="PREFIX", help="List those of the model PREFIX.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, everything: bool, prefix: str | None, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """List evaluations: start time, checkpoint, track, mean completion, lap times, resets.

    Lap times are those of complete laps and include penalties. Results of `dr evaluate` are kept until the
    model is deleted.

    \b
      dr evaluations
      dr evaluations --all --json
    """
    from drcli.errors import UsageError
    from drcli.launch.bucket import open_bucket
    from drcli.store.evaluation_list import list_evaluations

    if everything and prefix is not None:
        raise UsageError("--all and --prefix cannot be combined.", "Use one of them.")
    workspace, settings = options.load(experiment, overrides)
    own = settings.local_s3_model_prefix
    model = "" if everything else (prefix if prefix is not None else own).strip("/")
    if not everything and not model:
        raise UsageError("The prefix is empty.", "Name a model, or use --all for all models.")
    metrics = settings.local_s3_metrics_prefix if model == own else ""
    bucket = open_bucket(settings, workspace)
    found = list_evaluations(bucket, model, settings.local_s3_eval_params_file, metrics)
    if as_json:
        present.as_json([info.to_dict() for info in found])
    elif found:
        present.table(_row(info) for info in found)
    else:
        of = "" if everything else f" of {model}"
        present.say(f"The {bucket.config.place} contains no evaluations{of}.")
    present.next_step("dr evaluate", "evaluate the model" + (" again" if found else ""))


def _row(info: EvaluationInfo) -> dict[str, object]:
    return {
        "started": f"{info.started:%Y-%m-%d %H:%M:%S}",
        "model": info.model,
        "track": info.world_name,
        "checkpoint": info.checkpoint,
        "trials": info.trials,
        "complete": info.complete,
        "mean_%": info.completion,
        "best_lap_s": info.best_lap_s,
        "mean_lap_s": info.mean_lap_s,
        "resets": info.resets,
        "off_track": info.off_track,
        "crashes": info.crashes,
    }
