"""`dr start-loganalysis`: notebooks on the models in the bucket."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("start-loganalysis")
@click.option(
    "-p", "--port", type=click.IntRange(1, 65535), help="Default: 8888; in process style the next free one."
)
@click.option("-b", "--browser", is_flag=True, help="Open the first notebook in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None, port: int | None, browser: bool, as_json: bool, overrides: tuple[str, ...]
) -> None:
    """Start JupyterLab with deepracer-utils, and print its address; only programs on this machine reach it.

    Notebooks in data/analysis find the bucket without a login; current_model.ipynb shows the model of run.env. The
    first start installs the packages, in a virtual environment of their own; with the Docker styles it starts the
    community's container (DR_ANALYSIS_IMAGE). It runs until `dr stop-loganalysis` or `dr stop-all`.

    \b
      dr start-loganalysis
      dr start-loganalysis -b --set DR_LOCAL_S3_MODEL_PREFIX=my-model
    """
    from drcli.launch.analysis import log_analysis

    workspace, settings = options.load(experiment, overrides)
    with present.live() as shown:
        found = log_analysis.start(settings, workspace, port, shown)
    if not found.is_new:
        present.say("It was running already.")
    if as_json:
        present.as_json({"address": found.url, "is_new": found.is_new, "folder": str(workspace.analysis)})
    else:
        present.result(found.url)
    if browser:
        click.launch(found.url)
    present.next_step("dr stop-loganalysis", "stop it; notebooks stay")
