"""How fast our car can get around a track at all: the best lap that an optimiser finds and the simulator confirms.

    python -m benchmarks optimal_lap [--track NAME]... [--max-speed 3.0]... [--json] [--save]

`optimum_s` gives others the stored result, for a lap time over the optimum. docs/benchmarks.md explains the method.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.lap_car import Array, Task, crossings, noses, roll
from benchmarks.lap_optimizer import Drive, driven, optimise
from benchmarks.racing_line import first_drive
from benchmarks.shortest_line import bound_s
from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode, Status
from drcli.sim.catalogue import list_tracks, load_track
from drcli.sim.constants import STEP_S
from drcli.sim.track import Track
from drcli.sim.world import World

STORED = Path(__file__).with_name("optimal_laps.json")
FIRST_SPEEDS_MPS = 2.0, 2.5
_RUNG_MPS = 0.25
RUN_UP_STEPS = 25  # before a flying lap, optimised with it
HEADER = "| track | up to | from standstill | no lap below | flying | no flying lap below |"


@dataclass(frozen=True)
class OptimalLap:
    """The best laps found on a track, in seconds, and what no lap can beat."""

    track: str
    max_speed_mps: float
    standing_s: float  # from standstill, by the clock of an evaluation
    standing_bound_s: float
    flying_s: float  # line to line, interpolated between two steps
    flying_bound_s: float


def optimum_s(track_name: str, max_speed_mps: float) -> float | None:
    """The best lap from standstill that is known (s, by the clock of an evaluation); None: never computed."""
    laps = (lap for lap in _stored() if (lap.track, lap.max_speed_mps) == (track_name, max_speed_mps))
    return next((lap.standing_s for lap in laps), None)


@cache
def _stored() -> tuple[OptimalLap, ...]:
    if not STORED.is_file():
        return ()
    return tuple(OptimalLap(**lap) for lap in json.loads(STORED.read_text(encoding="utf-8")))


def find_optimal_laps(
    track: Track,
    speeds_mps: Sequence[float],
    rounds: int = 60,
    first_speeds_mps: Sequence[float] = FIRST_SPEEDS_MPS,
) -> list[OptimalLap]:
    """The best laps that the optimiser finds for each of some top speeds, ascending; confirmed by the simulator.

    It climbs from each of `first_speeds_mps` to laps from standstill, and from the highest to flying laps.
    """
    standing: dict[float, list[Drive]] = {speed: [] for speed in speeds_mps}
    for first_mps in sorted({min(first_mps, speeds_mps[0]) for first_mps in first_speeds_mps}):
        for speed, drive in climb(track, speeds_mps, first_mps, rounds, run_up=None).items():
            standing[speed].append(drive)
    flying = climb(track, speeds_mps, first_mps, rounds, run_up=RUN_UP_STEPS)
    return [_lap(Task(track, speed), standing[speed], flying[speed]) for speed in speeds_mps]


def climb(
    track: Track, speeds_mps: Sequence[float], first_mps: float, rounds: int, run_up: int | None
) -> dict[float, Drive]:
    """Optimised drives by top speed. Each begins with that of a slightly lower one, as slow drives have few optima.

    With a `run_up` (steps) they are flying laps: the second of two, optimised from so long before the line.
    """
    task = Task(track, first_mps)
    actions = first_drive(task, laps=1 if run_up is None else 2)
    start, before = task.at_rest, actions[:0]
    if run_up is not None:
        states = roll(start, actions)
        begun = max(int(crossings(task, noses(states))[0]) - run_up, 0)
        start, before, actions = states[begun], actions[:begun], actions[begun:]
    rungs = {*np.arange(first_mps, speeds_mps[-1], _RUNG_MPS).tolist(), *speeds_mps}
    found = {}
    for speed in sorted(rungs):
        task = Task(track, speed)
        drive = driven(task, start, actions, run_up is not None)
        assert drive is not None
        drive = optimise(task, drive, rounds, cycles=3 if speed in speeds_mps else 1)
        actions = drive.actions
        if speed in speeds_mps:
            found[speed] = replace(drive, before=before)
    return found


def _lap(task: Task, standing: Sequence[Drive], flying: Drive) -> OptimalLap:
    best = min(standing, key=lambda drive: drive.steps)
    clock_s, _ = confirmed_s(task.track, best.actions)
    _, line_to_line_s = confirmed_s(task.track, np.vstack([flying.before, flying.actions]), laps=2)
    times = clock_s, bound_s(task, False), line_to_line_s, bound_s(task, True)
    return OptimalLap(task.track.name, task.max_speed_mps, *(round(seconds, 3) for seconds in times))


def confirmed_s(track: Track, actions: Array, laps: int = 1) -> tuple[float, float]:
    """Drives `actions` in the simulator, under the rules of an evaluation without resets.

    Returns:
        seconds of the last lap: by the simulator's clock, and to the line, interpolated between rows of the trace.

    Raises:
        RuntimeError: the car makes a mistake, or needs more steps.
    """
    settings = RaceSettings(change_start_position=False, is_continuous=True, number_of_trials=laps)
    world = World(track, settings, 1, sensors=())
    world.reset(episodes_per_car=[1])
    episodes: list[Episode] = []
    for action in [*actions, *[actions[-1]] * 4]:
        episodes += world.step(action[None]).episodes
    if not episodes or episodes[0].status is not Status.LAP_COMPLETE:
        raise RuntimeError(f"{track.name}: not a valid lap: {[episode.status for episode in episodes]}")
    at = crossings(Task(track, 0.0), np.array([[row.X, row.Y] for row in episodes[0].rows]))
    lap = episodes[0].laps[-1]
    return lap.end_time_s - lap.start_time_s, (at[-1] - (at[-2] if laps > 1 else 0.0)) * STEP_S


def table(laps: Iterable[OptimalLap]) -> str:
    """The laps as a table in Markdown."""
    rows = [
        f"| {lap.track} | {lap.max_speed_mps:g} m/s | {lap.standing_s:.2f} s | {lap.standing_bound_s:.2f} s "
        f"| {lap.flying_s:.2f} s | {lap.flying_bound_s:.2f} s |"
        for lap in laps
    ]
    return "\n".join([HEADER, "|---|---|---|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--track", action="append", help="may be repeated; without it, all of ours")
    parser.add_argument(
        "--max-speed", type=float, action="append", help="m/s, may be repeated; without it, 3 and 4"
    )
    parser.add_argument(
        "--first-speed", type=float, action="append", help="m/s to climb from, may be repeated; 2 and 2.5"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help=f"also to {STORED.name}, where it is faster")
    options = parser.parse_args()
    speeds = sorted(options.max_speed or [3.0, 4.0])
    found = []
    for name in options.track or [info.name for info in list_tracks(None)]:
        begun = time.perf_counter()
        found += find_optimal_laps(
            load_track(name, None, ""), speeds, first_speeds_mps=options.first_speed or FIRST_SPEEDS_MPS
        )
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        if options.save:
            _store(found)
    print(json.dumps([asdict(lap) for lap in found], indent=2) if options.json else table(found))


def _store(found: Iterable[OptimalLap]) -> None:
    """Keep the best of what is stored and what was found; delete the file when the car or a track changes."""
    best = {(lap.track, lap.max_speed_mps): lap for lap in _stored()}
    for lap in found:
        known = best.get((lap.track, lap.max_speed_mps), lap)
        standing_s, flying_s = min(lap.standing_s, known.standing_s), min(lap.flying_s, known.flying_s)
        best[lap.track, lap.max_speed_mps] = replace(lap, standing_s=standing_s, flying_s=flying_s)
    lines = ",\n".join(json.dumps(asdict(best[key])) for key in sorted(best))
    STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
