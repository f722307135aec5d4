"""`dr tracks`: list the available tracks, or draw one, or what a car sees there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from drcli.cli import present
from drcli.cli.track_source import track_source
from drcli.cli.tracks_frames import command as frames
from drcli.errors import UsageError

if TYPE_CHECKING:
    from drcli.sim.track import Pose


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
      dr tracks frames drcli_harbour poses.csv pictures/
    """
    if ctx.invoked_subcommand:
        return
    from dataclasses import asdict

    from drcli.sim.catalogue import list_tracks

    rows = [asdict(info) for info in list_tracks(track_source(ctx.obj)[0])]
    if as_json:
        present.as_json(rows)
    else:
        present.table(rows)
    present.next_step(f"dr tracks show {rows[0]['name']}", "draw one")


@command.command()
@click.argument("name")
@click.option("--camera", metavar="X,Y,YAW", help="Draw what a car sees whose nose is there (m, degrees).")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Default: NAME.png, with --camera NAME-camera.png.",
)
@click.pass_obj
def show(experiment: str | None, name: str, camera: str | None, output: Path | None) -> None:
    """Draw a track to a PNG file. NAME is a world name, or the path of a .yaml or .npy file.

    \b
      dr tracks show reinvent_base -o base.png
      dr tracks show reinvent_base --camera 3.2,0.68,0 -o seen.png
    """
    from drcli.sim.catalogue import load_track

    pose = None if camera is None else _pose(camera)
    track = load_track(name, *track_source(experiment))
    if pose:
        from drcli.watch.camera_pictures import draw_camera

        path = output or Path(f"{track.name}-camera.png")
        draw_camera(track, pose, path)
    else:
        from drcli.watch.picture import draw_track

        path = output or Path(f"{track.name}.png")
        draw_track(track, path)
    present.result(str(path))
    present.next_step("dr start-training", f"with DR_WORLD_NAME={name} in run.env")


command.add_command(frames)


def _pose(text: str) -> Pose:
    from drcli.sim.pose_files import parse_pose

    try:
        return parse_pose(text)
    except ValueError:
        raise UsageError(
            f"--camera {text!r} is not a pose.",
            "It is three numbers: X,Y of the car's nose (m) and its YAW (degrees), as in --camera 3.2,0.68,0",
        ) from None
