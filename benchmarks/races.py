"""Races with objects on the road: guided training, the whole command, until the model drives its exam without a crash.

Models are driven afterwards from 20 perturbed starts that the training did not use.
"""

from __future__ import annotations

import argparse
from collections import Counter

from benchmarks.guided import STARTS, drive
from benchmarks.race_rewards import REWARDS
from benchmarks.workspace import Workspace
from drcli.config.load import load_settings
from drcli.config.params_documents import race_params
from drcli.config.race_settings import RaceSettings
from drcli.paths import Workspace as Folder
from drcli.sim.catalogue import load_track
from drcli.sim.world import World

OBSTACLES = {"DR_RACE_TYPE": "OBJECT_AVOIDANCE", "DR_OA_NUMBER_OF_OBSTACLES": "3"}
BOTS = {"DR_RACE_TYPE": "HEAD_TO_BOT", "DR_H2B_NUMBER_OF_BOT_CARS": "3"}
RACES = {
    "boxes": OBSTACLES,
    "random boxes": OBSTACLES | {"DR_OA_RANDOMIZE_OBSTACLE_LOCATIONS": "True"},
    "bot cars": BOTS,
    "bot cars that change lanes": BOTS | {"DR_H2B_IS_LANE_CHANGE": "True"},
}


def race_of(folder: Workspace, values: dict[str, str], *, is_perturbed: bool) -> RaceSettings:
    """The race that a workspace trains for with these settings, from starts all round the track."""
    texts = [f"{name}={value}" for name, value in values.items()]
    settings = load_settings(Folder(folder.folder), texts)
    return RaceSettings(
        race_type=settings.race_type,
        own=race_params(settings),
        spread_starts=True,
        perturbed_starts=is_perturbed,
    )


def train(track: str, reward: str, seed: int, minutes: float, values: dict[str, str]) -> str:
    """Train in a fresh workspace, then drive: a row of the table."""
    with Workspace(seed, "guided") as folder:
        if reward:
            folder.write("reward_function.py", reward)
        seconds = folder.train(DR_WORLD_NAME=track, DR_TRAIN_MAX_MINUTES=str(minutes), **values)
        status, road = folder.status(), load_track(track, None, "")
        ends = []
        for is_perturbed, starts in ((False, 5), (True, STARTS)):
            race = race_of(folder, values, is_perturbed=is_perturbed)
            episodes = drive(folder, [World(road, race, starts, record=False, seed=4711)])
            ends.append(Counter(episode.status.value for episode in episodes))
    usual, perturbed = (f"{end['lap_complete']} of {end.total()}, {end['crashed']} crashed" for end in ends)
    return f"{seconds:.0f} s | {status['teacher_steps']:,} | {status['steps']:,} | {usual} | {perturbed} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--race", choices=RACES, nargs="+", default=list(RACES))
    parser.add_argument("--reward", choices=REWARDS, nargs="+", default=["example"])
    parser.add_argument("--track", default="drcli_harbour")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=15.0, help="when a training is given up")
    options = parser.parse_args()
    print(
        "| race, reward, seed | whole command | teacher's steps | steps | usual starts | perturbed starts |"
    )
    print("|---|---|---|---|---|---|")
    for race in options.race:
        for reward in options.reward:
            for seed in range(1, options.seeds + 1):
                row = train(options.track, REWARDS[reward], seed, options.minutes, RACES[race])
                print(f"| {race}, {reward}, {seed} | {row}", flush=True)


if __name__ == "__main__":
    main()
