"""`dr increment-training`: the next training starts from this model and goes to a name of its own."""

from __future__ import annotations

import click

from drcli.cli import increment_options, options, present


@click.command()
@increment_options.common
@click.pass_obj
def command(
    experiment: str | None,
    force: bool,
    wipe: bool,
    prefix: str,
    delimiter: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Prepare the next training in run.env: it starts from the model there is, and is called one number higher.

    The model becomes DR_LOCAL_S3_PRETRAINED_PREFIX, DR_LOCAL_S3_PRETRAINED becomes True, and the number in
    DR_LOCAL_S3_MODEL_PREFIX goes up: model-009 becomes model-010, model-1-E model-2-E, model model-1.
    Everything else in run.env stays as it is. Shows the change and asks.

    \b
      dr increment-training
      dr increment-training -f -p wet-1
      dr increment-training -w            # also delete what lies under the new name
    """
    from drcli.workspace import next_model as library

    workspace, settings = options.load(experiment, ())
    planned = library.plan_training(settings, workspace, prefix=prefix, delimiter=delimiter)
    leftovers = library.model_leftovers(planned, workspace) if wipe else None
    increment_options.carry_out(planned, leftovers, force=force, dry_run=dry_run, as_json=as_json)
    if dry_run:
        present.next_step("dr increment-training", "do it")
    else:
        present.next_step("dr start-training", f"train {planned.new}, starting from {planned.old}")
