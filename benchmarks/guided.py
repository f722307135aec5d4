"""Guided training: the whole command against pixels, other tracks and rewards, lap time, tracks never seen.

Models are driven afterwards from 20 perturbed starts that the training did not use.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from pathlib import Path

from benchmarks.guided_rewards import REWARDS
from benchmarks.optimal_lap import optimum_s
from benchmarks.workspace import Workspace
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.worker.driver import Driver
from drcli.sim.catalogue import load_track
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.sim.worlds import side_by_side
from drcli.train.algorithms.algorithm import Actor
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.hardware import Hardware
from drcli.train.heads.head import Head
from drcli.train.network import weights_of

TRACKS = ("drcli_oval", "drcli_wide", "drcli_technical", "drcli_butterfly", "drcli_grand")
STARTS = 20
FAST = [
    {"steering_angle": float(angle), "speed": float(speed)}
    for angle in (-30, -15, 0, 15, 30)
    for speed in (1, 2, 3)
]


def laps(
    folder: Workspace, track: str, starts: int = STARTS, tracks: Path | None = None
) -> tuple[int, float]:
    """How many of the laps from perturbed starts are completed, and the median time of a lap from the usual ones."""
    road = load_track(track, tracks, "")
    usual = RaceSettings(spread_starts=True)
    perturbed = RaceSettings(spread_starts=True, perturbed_starts=True)
    worlds = [World(road, usual, 5, record=False), World(road, perturbed, starts, record=False, seed=4711)]
    done = [episode for episode in drive(folder, worlds) if episode.progress >= 100]
    times = [e.end_time_s - e.start_time_s for e in done if e.car < 5]
    return sum(e.car >= 5 for e in done), statistics.median(times) if times else float("nan")


def drive(folder: Workspace, worlds: list[World]) -> list[Episode]:
    """One greedy episode of the best checkpoint for each car."""
    head, actor = driver_of(folder)
    driver = Driver(side_by_side(worlds), head, actor, Subscriptions(), is_evaluation=True)
    driver.reset([1] * driver.world.num_envs)
    episodes: list[Episode] = []
    while driver.world.active.any():
        episodes += driver.step().transition.episodes
    return episodes


def driver_of(folder: Workspace) -> tuple[Head, Actor]:
    """The head of the model, and an actor with its best checkpoint."""
    model, variables = folder.model()
    hardware = Hardware.detect(use_cuda=False)
    actor = ClippedPPO.actor(model, Hyperparameters(), hardware, 0)
    actor.load(weights_of(ClippedPPO.network(model, variables), hardware.dtype))
    return model.head, actor


def train(
    method: str,
    seed: int,
    track: str = "drcli_harbour",
    reward: str = "",
    actions: list[dict[str, float]] | None = None,
    **settings: str,
) -> dict[str, float]:
    """Train in a fresh workspace: seconds of the whole command, steps, laps, lap time."""
    with Workspace(seed, method) as folder:
        if reward:
            folder.write("reward_function.py", reward)
        if actions:
            metadata = json.loads((folder.folder / "custom_files/model_metadata.json").read_text())
            folder.write("model_metadata.json", json.dumps(metadata | {"action_space": actions}))
        seconds = folder.train(DR_WORLD_NAME=track, **settings)
        status = folder.status()
        perturbed, lap_s = laps(folder, track)
    return {
        "seconds": seconds,
        "steps": status["steps"],
        "teacher_steps": status["teacher_steps"],
        "usual": status["evaluation_progress"] or 0.0,
        "perturbed": perturbed,
        "lap_s": lap_s,
    }


def row(name: str, one: dict[str, float]) -> str:
    return (
        f"| {name} | {one['seconds']:.1f} s | {one['steps']:,.0f} | {one['teacher_steps']:,.0f} "
        f"| {one['usual']:.0f} % | {one['perturbed']:.0f} of {STARTS} | {one['lap_s']:.1f} s |"
    )


HEAD = (
    "| run | whole command | steps | teacher's steps | evaluation | perturbed starts | lap |\n"
    "|---|---|---|---|---|---|---|"
)


def seeds(options: argparse.Namespace) -> None:
    """The default track and reward, both methods in turn."""
    print(HEAD)
    methods = ("guided",) if options.no_pixels else ("guided", "pixels")
    runs: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for seed in range(1, options.seeds + 1):
        for method in methods:
            runs[method].append(train(method, seed))
            print(row(f"{method}, seed {seed}", runs[method][-1]), flush=True)
    for method, results in runs.items():
        for name, of in (("median", statistics.median), ("worst", max)):
            print(row(f"{method}, {name}", {key: of([one[key] for one in results]) for key in results[0]}))


def matrix(options: argparse.Namespace) -> None:
    """Five other tracks by five rewards."""
    print(HEAD)
    for track in TRACKS:
        for name, reward in REWARDS.items():
            try:
                print(
                    row(
                        f"{track}, {name}",
                        train("guided", options.seed, track, reward, DR_TRAIN_MAX_MINUTES="3"),
                    ),
                    flush=True,
                )
            except RuntimeError as error:
                print(f"| {track}, {name} | {error} |", flush=True)


def speed(options: argparse.Namespace) -> None:
    """15 actions up to 3 m/s: the best lap after a minute guided and after ten from pixels, over the fastest one."""
    best_s = optimum_s("drcli_harbour", 3.0)
    print("| run | minutes | steps | evaluation | perturbed starts | lap | over the fastest lap |")
    print("|---|---|---|---|---|---|---|")
    for method, minutes in (("guided", 1), *(() if options.no_pixels else (("pixels", 10),))):
        for seed in range(1, options.seeds + 1):
            one = train(
                method,
                seed,
                reward=REWARDS["progress"],
                actions=FAST,
                DR_TRAIN_MAX_MINUTES=str(minutes),
                DR_TRAIN_STOP_PROGRESS="",
                DR_TRAIN_BEST_MODEL_METRIC="laptime",
            )
            ratio = f"{one['lap_s'] / best_s:.2f}" if best_s else ""
            print(
                f"| {method}, seed {seed} | {minutes} | {one['steps']:,.0f} | {one['usual']:.0f} % "
                f"| {one['perturbed']:.0f} of {STARTS} | {one['lap_s']:.1f} s | {ratio} |",
                flush=True,
            )


def worlds(options: argparse.Namespace) -> None:
    """One model for every track: train on 20 for five minutes, drive on all others, both ways."""
    names = sorted({_without_direction(path.stem) for path in options.tracks.glob("*.npy")})
    names = [name for name in names if (options.tracks / f"{name}.npy").exists()]
    known = names[:: max(1, len(names) // 20)][:20]
    with Workspace(options.seed, "guided") as folder:
        shutil.copytree(options.tracks, folder.folder / "data" / "tracks", dirs_exist_ok=True)
        folder.train(
            DR_WORLD_NAME=",".join(known),
            DR_TRAIN_ALTERNATE_DRIVING_DIRECTION="True",
            DR_ENABLE_DOMAIN_RANDOMIZATION=str(options.randomised),
            DR_TRAIN_MAX_MINUTES=str(options.minutes),
            DR_TRAIN_STOP_PROGRESS="",
        )
        steps = folder.status()["steps"]
        print(f"\n{steps:,} steps on {', '.join(known)}\n\n| track | forwards | backwards |\n|---|---|---|")
        done = []
        for name in (name for name in names if name not in known):
            road = load_track(name, options.tracks, "")
            both = [_completed(folder, road, is_backwards) for is_backwards in (False, True)]
            done += both
            print(f"| {name} | {both[0]} of 5 | {both[1]} of 5 |", flush=True)
        print(f"| all | {sum(done)} of {5 * len(done)} laps | {100 * sum(done) / (5 * len(done)):.1f} % |")


def _without_direction(name: str) -> str:
    return name.removesuffix("_cw").removesuffix("_ccw")


def _completed(folder: Workspace, road: Track, is_backwards: bool) -> int:
    race = RaceSettings(
        spread_starts=road.is_loop, change_start_position=road.is_loop, reverse_dir=is_backwards
    )
    return sum(e.progress >= 100 for e in drive(folder, [World(road, race, 5, record=False)]))


def timeline(options: argparse.Namespace) -> None:
    """Where the seconds of the whole command go, medians over the seeds."""
    runs = []
    for seed in range(options.seeds):
        with Workspace(seed, "guided") as folder:
            runs.append(folder.timeline())
    print("| | s after the return key | s since the line above |\n|---|---|---|")
    before = 0.0
    for name in runs[0]:
        after = statistics.median(one[name] for one in runs if name in one)
        print(f"| {name} | {after:.2f} | {after - before:.2f} |")
        before = after


PARTS = {"seeds": seeds, "matrix": matrix, "speed": speed, "worlds": worlds, "timeline": timeline}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="seeds")
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="worlds: how long to train")
    parser.add_argument("--tracks", type=Path, help="worlds: a folder with the community's tracks, *.npy")
    parser.add_argument("--randomised", action="store_true", help="worlds: train with randomised pictures")
    parser.add_argument("--no-pixels", action="store_true", help="guided alone")
    options = parser.parse_args()
    PARTS[options.part](options)


if __name__ == "__main__":
    main()
