"""`dr plot`: one picture of a report as a file."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import options, present


@click.command()
@click.argument("kind", required=False)
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Ends in .png or .svg. Default: KIND.png.",
)  # fmt: skip
@click.option("--list", "is_listing", is_flag=True, help="Show all kinds and what they show.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    kind: str | None,
    models: tuple[str, ...],
    output: Path | None,
    is_listing: bool,
    overrides: tuple[str, ...],
) -> None:
    """Draw one picture of a model as a PNG or SVG file.

    MODEL as for `dr report`; kinds whose names begin with compare- take several.

    \b
      dr plot --list
      dr plot laps
      dr plot completion my-model -o completion.svg
      dr plot compare-laps careful brave
    """
    from drcli.errors import UsageError
    from drcli.watch.report.kinds import KINDS
    from drcli.watch.report.written import write_plot

    if is_listing:
        present.table([{"kind": name, "shows": row.shows} for name, row in KINDS.items()])
        return
    if kind is None:
        raise UsageError("KIND is missing.", "`dr plot --list` shows all kinds.")
    workspace, settings = options.load(experiment, overrides)
    with present.live() as live:
        path, alt = write_plot(settings, workspace, kind, models, output, live.line)
    present.result(str(path))
    present.say(alt)
    present.next_step("dr report --open", "all pictures and tables on one page")
