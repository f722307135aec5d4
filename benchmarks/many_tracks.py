"""One model trained on all tracks that drcli ships, in both directions, then laps on tracks that it never saw.

    python benchmarks/many_tracks.py --tracks FOLDER [--minutes 9] [--cars 4]

FOLDER has routes of the community, *.npy. `--cars 4` leaves fewer cars than tracks: each drives on one after the other.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.guided import drive
from benchmarks.workspace import Workspace
from drcli.config.race_settings import RaceSettings
from drcli.sim.catalogue import list_tracks, load_track
from drcli.sim.world import World

UNSEEN = (
    "reinvent_base", "reInvent2019_track", "reInvent2019_wide", "Oval_track", "Bowtie_track", "China_track",
    "Mexico_track", "Canada_Training", "New_York_Track", "Tokyo_Training_track", "Vegas_track",
    "2022_summit_speedway",
)  # fmt: skip


def completed(folder: Workspace, name: str, tracks: Path, laps: int) -> tuple[int, int]:
    """How many of `laps` laps from starts all around it are completed, forwards and backwards."""
    road = load_track(name, tracks, "")
    worlds = [
        World(road, RaceSettings(spread_starts=True, reverse_dir=is_backwards), laps, record=False)
        for is_backwards in (False, True)
    ]
    done = [episode.car for episode in drive(folder, worlds) if episode.progress >= 100]
    return sum(car < laps for car in done), sum(car >= laps for car in done)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tracks", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--cars", type=int, default=16, help="DR_CARS_PER_WORKER")
    parser.add_argument("--laps", type=int, default=3, help="on each track, in each direction")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Workspace(options.seed, "guided") as folder:
        shutil.copytree(options.tracks, folder.folder / "data" / "tracks", dirs_exist_ok=True)
        folder.train(
            DR_WORLD_NAME=",".join(track.name for track in list_tracks(None)),
            DR_CARS_PER_WORKER=str(options.cars),
            DR_TRAIN_ALTERNATE_DRIVING_DIRECTION="True",
            DR_TRAIN_MAX_MINUTES=str(options.minutes),
            DR_TRAIN_STOP_PROGRESS="",
        )
        status = folder.status()
        print(f"{status['steps']:,} steps, teacher {status['teacher_steps']:,}\n")
        print("| track | forwards | backwards |\n|---|---|---|", flush=True)
        total = 0
        for name in UNSEEN:
            ways = completed(folder, name, options.tracks, options.laps)
            total += sum(ways)
            print(f"| {name} | {ways[0]} of {options.laps} | {ways[1]} of {options.laps} |", flush=True)
        print(f"| all | {total} of {2 * options.laps * len(UNSEEN)} laps | |")


if __name__ == "__main__":
    main()
