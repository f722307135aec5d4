"""`dr new-experiment`: a copy of the workspace's settings and custom files, to change."""

from __future__ import annotations

import shlex

import click

from drcli.cli import present


@click.command()
@click.argument("name")
@click.option("--from", "origin", metavar="OTHER", help="Copy this experiment; default: the workspace.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
@click.pass_obj
def command(experiment: str | None, name: str, origin: str | None, as_json: bool) -> None:
    """Make experiments/NAME: a copy of run.env, custom_files/ and worker-N.env. Never overwrites one.

    Its run.env gets a model prefix and a prefix for custom files of its own, so that experiments do not
    overwrite each other's models and files in the bucket. Every command takes it with `dr -e NAME`.

    \b
      dr new-experiment wet-track
      dr new-experiment wet-track-2 --from wet-track
    """
    from drcli.workspace import experiments

    planned = experiments.plan_experiment(name, origin or experiment or "")
    planned.make()
    folder = planned.target.folder
    if as_json:
        settings = planned.settings
        present.as_json(
            {
                "experiment": name,
                "folder": str(folder),
                "files": ["run.env", *planned.files],
                "model_prefix": settings.local_s3_model_prefix,
                "custom_files_prefix": settings.local_s3_custom_files_prefix,
            }
        )
    else:
        present.result(
            f"{folder}: run.env and {len(planned.files)} more files, copied from {planned.source.folder}."
        )
    present.say("What is different in its run.env:")
    for line in planned.lines:
        present.say("\n".join(f"  {part}" for part in line.diff.splitlines()))
    run_id = planned.settings.run_id
    present.say(f"To run it beside another one, give it a DR_RUN_ID of its own; now it is {run_id}.")
    present.next_step(
        f"dr -e {shlex.quote(name)} start-training", "train it, once you have changed what you want"
    )
