"""`dr sweep results`: the table of a sweep or a search."""

from __future__ import annotations

import click

from drcli.cli import options, present
from drcli.errors import UsageError


@click.command("results")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the rows, and every variant, as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@click.pass_obj
def command(experiment: str | None, name: str | None, as_json: bool, as_csv: bool) -> None:
    """Show the table of a sweep or a search: NAME, or the newest; also before it has ended.

    Variants that differ in their seed only share a row: means, and the spread of what they are ranked by.

    \b
      dr sweep results
      dr sweep results rewards --csv > rewards.csv
    """
    from drcli.cli import follow_sweep
    from drcli.sweep import sweep_folder
    from drcli.sweep.sweep_table import as_csv_rows
    from drcli.sweep.sweep_view import Overview

    if as_json and as_csv:
        raise UsageError("--json and --csv cannot be combined.", "Choose one of them.")
    workspace, _ = options.load(experiment, ())
    folder = sweep_folder.find(workspace, name)
    if as_csv:
        present.as_csv(as_csv_rows(Overview.of(folder).rows()))
    else:
        follow_sweep.results(folder, as_json=as_json)
