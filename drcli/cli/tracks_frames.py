"""`dr tracks frames`: what the front camera sees at given poses."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import present
from drcli.cli.track_source import track_source

_SILENT_S = 1.0


@click.command("frames")
@click.argument("name")
@click.argument("poses", metavar="POSES.csv", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--exact", is_flag=True, help="Draw exactly at the pose of each row.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@click.pass_obj
def command(experiment: str | None, name: str, poses: Path, folder: Path, exact: bool, force: bool) -> None:
    """Draw what the front camera sees at the poses of a CSV file, one picture for each row, into FOLDER.

    NAME is a world name, or the path of a .yaml or .npy file. The first line of POSES.csv names the columns: X and Y
    of the car's nose (m) and yaw (degrees), as in traces. The pictures are PNG files of 160 x 120 grey pixels, named by
    the number of the row: 0.png is the first row below the names, then 1.png, 2.png, ...

    The community's engine writes a pose beside a picture that is 0.03 s older. So does this command where the file
    tells how the car moved: by the row before, if it is a step of the same drive (tstamp; without that column, if most
    rows lie as near as steps), or else by the row's steer and throttle. Other poses, and with --exact all of them, are
    taken as they are.

    \b
      dr tracks frames reinvent_base trace.csv pictures/
      dr tracks show reinvent_base --camera 3.2,0.68,0 -o one.png
    """
    from time import monotonic

    from drcli.sim.catalogue import load_track
    from drcli.sim.pose_files import PICTURE_DELAY_S, read_poses
    from drcli.watch.camera_pictures import check_folder, draw_cameras

    check_folder(folder, force=force)
    noses = read_poses(poses, delay_s=0.0 if exact else PICTURE_DELAY_S)
    track = load_track(name, *track_source(experiment))
    begun = monotonic()
    with present.live() as live:
        for count in draw_cameras(track, noses, folder):
            if monotonic() - begun > _SILENT_S:
                live.line(f"{count} of {len(noses)} pictures")
    present.result(str(folder))
    last = len(noses) - 1
    present.say(f"{last + 1} pictures: 0.png to {last}.png" if last else "1 picture: 0.png")
    present.next_step(f"dr tracks show {name}", "draw the track")
