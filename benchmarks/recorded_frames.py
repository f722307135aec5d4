"""Does a model choose the same on recorded pictures as on ours of the same pose? With and without randomised pictures.

`python -m benchmarks recorded_frames --frames FOLDER --tracks FOLDER`. The folder of frames has one folder for each
world: `frames.tar` with pictures of the front camera, 160 × 120, and `poses.csv` with the columns frame, X, Y (m, of
the car's nose), yaw (degrees) and episode_status, one row for each picture.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tarfile
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.guided import driver_of, laps
from benchmarks.harsh_pictures import harsh, steered_right
from benchmarks.workspace import Workspace
from drcli.sim.catalogue import load_track
from drcli.sim.pose_files import pictures_at, read_poses
from drcli.sim.track import Pose

CAMERA = "FRONT_FACING_CAMERA"
Pictures = NDArray[np.uint8]  # [N, 120, 160]


def recorded(folder: Path) -> tuple[Pictures, list[dict[str, str]]]:
    """Grey pictures and the rows of their poses. While a car is put back, its picture does not match the pose."""
    with (folder / "poses.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["episode_status"] == "in_progress"]
    with tarfile.open(folder / "frames.tar") as archive:
        pictures = [np.array(Image.open(archive.extractfile(row["frame"])).convert("L")) for row in rows]
    return np.stack(pictures), rows


def poses_of(folder: Path) -> list[Pose]:
    """The poses of the same pictures."""
    with (folder / "poses.csv").open() as file:
        kept = [row["episode_status"] == "in_progress" for row in csv.DictReader(file)]
    return list(compress(read_poses(folder / "poses.csv"), kept))


def ours(world_name: str, tracks: Path, folder: Path) -> Pictures:
    """Our pictures of the same poses."""
    return np.stack(list(pictures_at(load_track(world_name, tracks, ""), poses_of(folder))))


def steering_deg(folder: Workspace, pictures: Pictures) -> NDArray[np.float64]:
    """The steering that the best checkpoint prefers for each picture."""
    head, actor = driver_of(folder)
    return head.commands(actor.act({CAMERA: pictures}, greedy=True).actions).steering_deg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument(
        "--tracks", type=Path, required=True, help="a folder with the community's tracks, *.npy"
    )
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    print(
        "| world, pictures, seed | whole command | steps | perturbed starts | same steering | mean difference "
        "| to the left, straight: recorded | made harsh |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for path in sorted(path.parent for path in options.frames.glob("*/poses.csv")):
        pictures, _ = recorded(path)
        drawn = ours(path.name, options.tracks, path)
        for seed in range(1, options.seeds + 1):
            for is_randomised in (False, True):
                with Workspace(seed, "guided") as folder:
                    shutil.copytree(options.tracks, folder.folder / "data" / "tracks", dirs_exist_ok=True)
                    seconds = folder.train(
                        DR_WORLD_NAME=path.name,
                        DR_ENABLE_DOMAIN_RANDOMIZATION=str(is_randomised),
                        DR_TRAIN_MAX_MINUTES="4",
                    )
                    perturbed, _ = laps(folder, path.name, tracks=options.tracks)
                    theirs, here, hard = (
                        steering_deg(folder, each) for each in (pictures, drawn, harsh(pictures))
                    )
                    steps = folder.status()["steps"]
                track, poses = load_track(path.name, options.tracks, ""), poses_of(path)
                right = [", ".join(steered_right(each, track, poses)) for each in (theirs, hard)]
                how = "randomised" if is_randomised else "plain"
                print(
                    f"| {path.name}, {how}, {seed} | {seconds:.1f} s | {steps:,} "
                    f"| {perturbed} of 20 | {100 * np.mean(theirs == here):.0f} % "
                    f"| {np.abs(theirs - here).mean():.1f}° | {right[0]} | {right[1]} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
