"""`dr config`: show every setting, its value and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import click

from drcli.cli import options, present


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, names: Sequence[str], as_json: bool, overrides: Sequence[str]) -> None:
    """Show settings with their values and where each comes from: file and line, --set, or default.

    Secrets are masked. NAME is a DR_ variable, with or without DR_, or a variable of your own.

    \b
      dr config
      dr config WORLD_NAME WORKERS
      dr config --set DR_WORKERS=2 --json
    """
    from drcli.config.load import find_workspace, load_settings
    from drcli.config.report import report

    workspace = find_workspace(experiment=experiment)
    settings = load_settings(workspace, overrides)
    rows = report(settings, names)
    if as_json:
        found = {"workspace": str(workspace.root), "experiment": workspace.experiment or None}
        present.as_json(found | {"settings": rows, "notices": list(settings.notices)})
    else:
        present.table(rows, ("name", "source", "value"))
        for notice in settings.notices:
            present.warn(notice)
    present.next_step("dr start-training", "train with these settings")
