"""`dr increment-training`: the next training starts from this model and gets a new prefix."""

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
    """Prepare run.env for the next training, which starts from the current model.

    Sets DR_LOCAL_S3_PRETRAINED_PREFIX to the current model and DR_LOCAL_S3_PRETRAINED to True, and increments
    the number in DR_LOCAL_S3_MODEL_PREFIX: model-009 becomes model-010, model-1-E becomes model-2-E, and model
    becomes model-1. Everything else in run.env is preserved. Shows the change and asks first.

    \b
      dr increment-training
      dr increment-training -f -p wet-1
      dr increment-training -w            # also delete everything under the new prefix
    """
    from drcli.workspace import next_model as library

    workspace, settings = options.load(experiment, ())
    planned = library.plan_training(settings, workspace, prefix=prefix, delimiter=delimiter)
    leftovers = library.model_leftovers(planned, workspace) if wipe else None
    increment_options.carry_out(planned, leftovers, force=force, dry_run=dry_run, as_json=as_json)
    if dry_run:
        present.next_step("dr increment-training", "make the change")
    else:
        present.next_step("dr start-training", f"train {planned.new}, starting from {planned.old}")
