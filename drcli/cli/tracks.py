"""`dr tracks`: list the available tracks, or draw one."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import present
from drcli.errors import DrError


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the tracks that DR_WORLD_NAME accepts: ours, and those in the workspace's data/tracks.

    Community worlds that are not listed are downloaded on first use. Append _cw or _ccw to the name of one
    of our tracks to choose the direction.

    \b
      dr tracks
      dr tracks show drcli_harbour
    """
    if ctx.invoked_subcommand:
        return
    from dataclasses import asdict

    from drcli.sim.catalogue import list_tracks

    rows = [asdict(info) for info in list_tracks(_where(ctx.obj)[0])]
    if as_json:
        present.as_json(rows)
    else:
        present.table(rows)
    present.next_step(f"dr tracks show {rows[0]['name']}", "draw one")


@command.command()
@click.argument("name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: NAME.png.")
@click.pass_obj
def show(experiment: str | None, name: str, output: Path | None) -> None:
    """Draw a track to a PNG file. NAME is a world name, or the path of a .yaml or .npy file.

    \b
      dr tracks show reinvent_base -o base.png
    """
    from drcli.sim.catalogue import load_track
    from drcli.watch.picture import draw_track

    track = load_track(name, *_where(experiment))
    path = output or Path(f"{track.name}.png")
    draw_track(track, path)
    present.result(str(path))
    present.next_step("dr start-training", f"with DR_WORLD_NAME={name} in run.env")


def _where(experiment: str | None) -> tuple[Path | None, str]:
    """The track cache of the workspace, if there is a workspace, and the address that routes are downloaded from."""
    from drcli.config.load import find_workspace, load_settings, settings_of

    try:
        workspace = find_workspace(experiment=experiment)
    except DrError:
        if experiment:
            raise
        return None, settings_of({}).tracks_url
    return workspace.tracks, load_settings(workspace).tracks_url
