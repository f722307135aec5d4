"""`dr report`: a page about models."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import options, present


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@click.option(
    "--html", "path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Default: data/reports/MODEL.html.",
)  # fmt: skip
@click.option("--open", "is_opening", is_flag=True, help="Show the page in the browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, instead of a page.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    models: tuple[str, ...],
    path: Path | None,
    is_opening: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write a page about a model: facts, curves, pictures of the track, evaluations. Several models are compared.

    MODEL is a prefix in the bucket (default: the model of run.env), s3://BUCKET/PREFIX, a folder or a .tar.gz, of our
    engine, the community's or a console. The page is one file that needs nothing else: mail it, print it.

    \b
      dr report --open
      dr report careful brave --html both.html
      dr report downloads/my-model.tar.gz
    """
    from drcli.errors import UsageError
    from drcli.watch.report.written import report_numbers, write_report

    if as_json and (path or is_opening):
        raise UsageError("--json prints numbers and writes no page.", "Leave out --html and --open.")
    workspace, settings = options.load(experiment, overrides)
    with present.live() as live:
        if as_json:
            numbers = report_numbers(settings, workspace, models, live.line)
        else:
            target = write_report(settings, workspace, models, path, live.line)
    if as_json:
        present.as_json(numbers)
        return
    present.result(str(target))
    if is_opening and click.launch(str(target)) != 0:
        present.warn(f"No browser could be opened; the page is {target}.")
    present.next_step("dr plot --list", "single pictures as PNG or SVG")
