"""`dr summary`: the workspace at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = {
    "reachable": "green",
    "there": "green",
    "running": "green",
    "unreachable": "red",
    "missing": "red",
    "failed": "red",
    "unknown": "yellow",
    "starting": "yellow",
    "stopping": "yellow",
}
_TWO_COLUMNS = 110  # wide enough for two panels side by side


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@options.overrides
@click.pass_obj
def command(experiment: str | None, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Show the workspace at a glance: bucket, engine, model, race, and what is running.

    Starts nothing and waits at most a second for anything. `dr status` has the details of a run, `dr doctor`
    checks everything.

    \b
      dr summary
      dr summary --json
    """
    from drcli.launch.workspace_summary import summary
    from drcli.watch.viewer import viewer_process

    workspace, settings = options.load(experiment, overrides)
    viewer = viewer_process.find(workspace)
    seen = summary(settings, workspace) | {"viewer": viewer.place if viewer else None}
    if as_json:
        present.as_json(seen)
    else:
        width, colour = present.terminal()
        present.result(format_summary(seen, width, colour=colour))
    present.next_step(*_next_step(seen))


def format_summary(seen: dict[str, Any], width: int, *, colour: bool = False) -> str:
    """The panels as text, side by side if there is room. Pure."""
    from rich.columns import Columns
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def panel(title: str, rows: list[tuple[str, Text]]) -> Panel:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        for row in rows:
            table.add_row(*row)
        return Panel(table, title=title, title_align="left", width=width // 2 if is_wide else width)

    is_wide = width >= _TWO_COLUMNS
    place = seen["workspace"] + (f" (experiment {seen['experiment']})" if seen["experiment"] else "")
    panels = [panel("stack", _stack_rows(seen)), panel("run", _run_rows(seen))]
    both = Columns(panels, padding=(0, 0)) if is_wide else Group(*panels)
    header = Text(f"drcli {seen['drcli']}  {place}", overflow="fold")
    return present.render(Group(header, both), width, colour=colour)


def _stack_rows(seen: dict[str, Any]) -> list[tuple[str, Text]]:
    bucket, image = seen["bucket"], seen["image"]
    rows = [
        ("cloud", _plain(f"{seen['cloud']}: {bucket['place']}")),
        ("bucket", _state(bucket["name"], bucket)),
        ("style", _plain(seen["style"])),
        ("engine", _plain(seen["engine"])),
    ]
    if image["state"] != "not needed":
        rows.append(("image", _state(image["name"] or "", image)))
    cars = f", {seen['cars_per_worker']} cars each" if seen["cars_per_worker"] > 1 else ""
    return [*rows, ("workers", _plain(f"{seen['workers']}{cars}"))]


def _run_rows(seen: dict[str, Any]) -> list[tuple[str, Text]]:
    checkpoints = seen["bucket"].get("checkpoints")
    has = (
        ""
        if checkpoints is None
        else f" ({checkpoints} checkpoints)"
        if checkpoints
        else " (does not exist yet)"
    )
    car = seen["car"]
    rows = [
        ("model", _plain(seen["model"] + has)),
        *([("from", _plain(seen["pretrained"]))] if seen["pretrained"] else []),
        ("race", _plain(seen["race_type"])),
        ("track", _plain(seen["world_name"])),
        ("car", _plain(f"{car['name']}, {car['color']} {car['body_shell']}")),
    ]
    if seen["running"] is None:
        return [*rows, ("running", _state("", {"state": "unknown", "message": "Docker does not respond"}))]
    for run in seen["running"]:
        workers = f", {run['workers']} workers" if run["workers"] > 1 else ""
        text = f"{run['kind']} {run['run_id']} of {run['model']}{workers},"
        rows.append(("running", _state(text, {"state": run["state"], "message": ""})))
    if not seen["running"]:
        rows.append(("running", _plain("nothing")))
    return rows if seen["viewer"] is None else [*rows, ("viewer", _plain(seen["viewer"]))]


def _plain(text: str) -> Text:
    from rich.text import Text

    return Text(text)


def _state(text: str, seen: dict[str, Any]) -> Text:
    """A text, its coloured state, and the reason."""
    from rich.text import Text

    parts = Text(f"{text} " if text else "")
    parts.append(seen["state"], style=_COLOURS.get(seen["state"], "default"))
    return parts.append(f", {seen['message']}" if seen["message"] else "")


def _next_step(seen: dict[str, Any]) -> tuple[str, str]:
    if seen["bucket"]["state"] == "unreachable" or seen["image"]["state"] == "missing":
        return "dr doctor", "show what is wrong and how to fix it"
    if seen["running"]:
        return "dr status", "show how the run is doing"
    return "dr start-training", "train; or `dr evaluate` if there is a model"
