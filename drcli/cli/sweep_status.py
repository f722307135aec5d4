"""`dr sweep status`: how far a sweep or a search is."""

from __future__ import annotations

import click

from drcli.cli import options, present


@click.command("status")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(experiment: str | None, name: str | None, as_json: bool) -> None:
    """Show how far a sweep or a search is: NAME, or the newest.

    \b
      dr sweep status
      dr sweep status rewards --json
    """
    from drcli.sweep import sweep_folder
    from drcli.sweep.sweep_view import Overview, draw

    workspace, _ = options.load(experiment, ())
    folder = sweep_folder.find(workspace, name)
    overview = Overview.of(folder)
    if as_json:
        present.as_json(overview.to_dict())
    else:
        width, colour = present.terminal()
        present.result(present.render(draw(overview, width), width if colour else 200, colour=colour))
    if overview.is_over:
        present.next_step(f"dr sweep results {folder.name}", "show the table")
    elif overview.is_running:
        present.next_step(overview.sweep.command, f"follow it; `dr sweep stop {folder.name}` stops it")
    else:
        present.say(f"{folder.name} is {overview.state}.")
        present.next_step(overview.sweep.command, "continue it")
