"""`dr evaluations`: list the evaluations in the bucket, or compare those of several models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drcli.store.evaluation_comparison import Comparison
    from drcli.store.evaluation_list import EvaluationInfo

BEST = " *"  # marks the best value of a row


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List those of all models, not only of DR_LOCAL_S3_MODEL_PREFIX.",
)
@click.option("-p", "--prefix", metavar="PREFIX", help="List those of the model PREFIX.")
@click.option(
    "--compare",
    "is_comparing",
    is_flag=True,
    help="Show the last one of each MODEL, or of all, side by side.",
)
@click.option("--track", metavar="NAME", default="", help="With --compare: only evaluations on this track.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    models: tuple[str, ...],
    everything: bool,
    prefix: str | None,
    is_comparing: bool,
    track: str,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """List evaluations: start time, checkpoint, track, mean completion, lap times, resets.

    Lap times are those of complete laps and include penalties. Results of `dr evaluate` are kept until the
    model is deleted. With --compare models are columns, and the best value of each row has a star.

    \b
      dr evaluations
      dr evaluations --all --json
      dr evaluations --compare careful brave --track drcli_harbour
    """
    from drcli.errors import UsageError
    from drcli.launch.bucket import open_bucket
    from drcli.store.evaluation_list import list_evaluations

    if everything and prefix is not None:
        raise UsageError("--all and --prefix cannot be combined.", "Use one of them.")
    if is_comparing and (everything or prefix is not None):
        raise UsageError("--compare takes models as arguments.", "`dr evaluations --compare` compares all.")
    if not is_comparing and (models or track):
        raise UsageError(
            "MODEL and --track are for --compare.", "`dr evaluations -p MODEL` lists those of one model."
        )
    workspace, settings = options.load(experiment, overrides)
    own = settings.local_s3_model_prefix
    model = "" if everything or is_comparing else (prefix if prefix is not None else own).strip("/")
    if not everything and not is_comparing and not model:
        raise UsageError("The prefix is empty.", "Name a model, or use --all for all models.")
    metrics = settings.local_s3_metrics_prefix if model == own else ""
    bucket = open_bucket(settings, workspace)
    found = list_evaluations(bucket, model, settings.local_s3_eval_params_file, metrics)
    if is_comparing:
        _compare(found, [name.strip("/") for name in models], track, as_json)
    elif as_json:
        present.as_json([info.to_dict() for info in found])
    elif found:
        present.table(_row(info) for info in found)
    else:
        of = "" if everything else f" of {model}"
        present.say(f"The {bucket.config.place} contains no evaluations{of}.")
    present.next_step("dr evaluate", "evaluate the model" + (" again" if found else ""))


def _compare(found: Sequence[EvaluationInfo], models: Sequence[str], track: str, as_json: bool) -> None:
    from drcli.errors import DrError
    from drcli.store.evaluation_comparison import latest

    comparison = latest(found, models, track)
    there = {info.model for info in comparison.evaluations}
    missing = [name for name in models if name not in there]
    if missing or not there:
        where = f" on {track}" if track else ""
        raise DrError(
            f"There is no evaluation of {', '.join(missing) or 'any model'}{where}.",
            "`dr evaluations --all` lists all; `dr evaluate --set DR_LOCAL_S3_MODEL_PREFIX=MODEL` evaluates one.",
        )
    for line in comparison.differences:
        present.warn(line)
    if as_json:
        best = {name: list(names) for name, names in comparison.best.items()}
        present.as_json({"evaluations": [info.to_dict() for info in comparison.evaluations], "best": best})
    else:
        present.table(_columns(comparison), are_names=True)


def _columns(comparison: Comparison) -> list[dict[str, object]]:
    """The rows of `_row` as columns, those of the models side by side."""
    columns = {info.model: _row(info) for info in comparison.evaluations}
    names = {"completion": "mean_%"}  # what a figure is called in the table
    best = {names.get(name, name): models for name, models in comparison.best.items()}
    rows: list[dict[str, object]] = []
    for name in next(iter(columns.values())):
        if name != "model":
            marks = {model: BEST if model in best.get(name, ()) else "" for model in columns}
            cells = {model: present.cell(row[name]) + marks[model] for model, row in columns.items()}
            rows.append({"": name.replace("_", " "), **cells})
    return rows


def _row(info: EvaluationInfo) -> dict[str, object]:
    return {
        "started": f"{info.started:%Y-%m-%d %H:%M:%S}",
        "model": info.model,
        "track": info.world_name,
        "race": info.race_type,
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
