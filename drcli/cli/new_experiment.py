"""`dr new-experiment`: create an experiment as a copy of the workspace's settings and custom files."""

from __future__ import annotations

import shlex

import click

from drcli.cli import present


@click.command()
@click.argument("name")
@click.option("--from", "origin", metavar="OTHER", help="Copy experiment OTHER; default: the workspace.")
@click.option("--json", "as_json", is_flag=True, help="Print what was created as JSON.")
@click.pass_obj
def command(experiment: str | None, name: str, origin: str | None, as_json: bool) -> None:
    """Create experiments/NAME as a copy of run.env, custom_files/ and worker-N.env. Never overwrites anything.

    Its run.env gets its own model prefix and custom files prefix, so that experiments do not overwrite each
    other's models and files in the bucket. Every command uses the experiment with `dr -e NAME`.

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
            f"Copied run.env and {len(planned.files)} more files from {planned.source.folder} to {folder}."
        )
    present.say("Changes in its run.env:")
    for line in planned.lines:
        present.say("\n".join(f"  {part}" for part in line.diff.splitlines()))
    run_id = planned.settings.run_id
    present.say(f"To run it at the same time as another run, change its DR_RUN_ID, which is {run_id} now.")
    present.next_step(f"dr -e {shlex.quote(name)} start-training", "train it, after making your changes")
