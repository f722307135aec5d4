"""How far our car is off recorded jobs of the community's simulator, and its constants fitted to them again.

    python benchmarks/car_fit.py --traces FOLDER [--job simapp-4] [--fit]

FOLDER has the archives of `JOBS`. All figures are of every second episode, which no fit has seen; --fit fits the
constants to the others and prints them.

Speed and steering are not recorded: the model's follow from the commands since the start of the episode. From each
moment the model drives on alone for a second, by the commands and the lengths of the recorded steps, and is compared
with where the car really was. The plain car has the same wheelbase as the real one, but neither lags nor slip.
"""

from __future__ import annotations

import argparse
import csv
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from drcli.sim.car_dynamics import CarState, drive, new_cars
from drcli.sim.car_generations import WHEELBASE_M
from drcli.sim.constants import NOSE_M, STEP_S, CarParams
from drcli.tables import CARS

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Job(NamedTuple):
    """A recorded job; `late` steps lie between a row's pose and the start of the step whose end is that row's time."""

    archive: str
    late: int


JOBS = {
    "simapp-3": Job("console-2020-reInvent2019_track", 0),
    "simapp-4": Job("drfc-2022-reinvent_base", 0),
    "simapp-5": Job("droa-2026-reinvent_base", 1),
}
PLAIN = CarParams(0, 1.0, 1e-6, 1e-6, 1e-6, 1e-6, WHEELBASE_M, 0.0, 0.0, 0.0, 1e6)
SETTLED = 12  # steps in which the recorded car is still being placed
SECOND = 15  # steps
FITTED = ("speed_gain", "accelerate_s", "brake_s", "steer_s", "yaw_s", "wheelbase_m", "understeer_s2pm")
FITTED += ("drift_s2pm", "grip_mps2")
_MOST_M, _MOST_S = 0.6, 0.25  # from row to row: more is a jump
_FEWEST = SETTLED + SECOND + 2  # rows of an episode


@dataclass(frozen=True)
class Episode:
    """Rows of an episode: pose of the nose, command, and how long the step from each row to the next one took."""

    pose: Array  # [N, 3] x, y (m), unwrapped yaw (rad)
    action: Array  # [N, 2] steering (degrees), speed (m/s)
    step_s: Array  # [N]


def read_job(folder: Path, job: Job) -> list[Episode]:
    """Its training episodes in the order of their numbers: whole ones without a jump."""
    rows: dict[int, list[dict[str, str]]] = {}
    with tarfile.open(folder / f"{job.archive}.tar.gz") as tar:
        for member in tar:
            if member.name.endswith("-iteration.csv") and "training-simtrace" in member.name:
                content = tar.extractfile(member)
                assert content
                number = int(Path(member.name).name.split("-")[0])
                rows[number] = list(csv.DictReader(io.StringIO(content.read().decode())))
    every = (row for number in sorted(rows) for row in rows[number])
    found = (_episode(list(steps), job.late) for _, steps in groupby(every, key=lambda row: row["episode"]))
    return [episode for episode in found if episode]


def _episode(rows: Sequence[dict[str, str]], late: int) -> Episode | None:
    """None if it is too short, or if the car jumps."""
    names = ("X", "Y", "yaw", "steer", "throttle", "tstamp")
    values = np.array([[float(row[name]) for name in names] for row in rows])
    values[:, 2] = np.unwrap(np.radians(values[:, 2]))
    times = values[:, 5]
    step_s = np.diff(times, append=times[-1] + STEP_S) if late else np.diff(times, prepend=times[0] - STEP_S)
    moved_m = np.hypot(*np.diff(values[:, :2], axis=0).T)
    if len(values) < _FEWEST or moved_m.max() > _MOST_M or not 0.0 < step_s.min() <= step_s.max() < _MOST_S:
        return None
    return Episode(values[:, :3], np.ascontiguousarray(values[:, 3:5]), step_s)


class Windows:
    """Every settled moment (each `stride`-th one) of these episodes, and the second after it."""

    def __init__(self, episodes: Sequence[Episode], stride: int = 1) -> None:
        count, longest = len(episodes), max(len(episode.pose) for episode in episodes)
        self.pose = np.zeros((longest, count, 3))
        self.action = np.zeros((longest, count, 2))
        self.step_s = np.full((longest, count), STEP_S)
        for k, episode in enumerate(episodes):
            n = len(episode.pose)
            self.pose[:n, k], self.action[:n, k], self.step_s[:n, k] = (
                episode.pose,
                episode.action,
                episode.step_s,
            )
        starts = [
            (row, k)
            for k, episode in enumerate(episodes)
            for row in range(SETTLED, len(episode.pose) - SECOND, stride)
        ]
        self.row, self.car = np.array(starts, np.int64).T

    def errors(self, params: CarParams, steps: Sequence[int]) -> list[Array]:
        """Position (m) and yaw (rad) error `[M, 2]` of every window after each of these numbers of steps, ascending."""
        cars, found = self._at_starts(params), []
        moving = np.ones(len(self.row), np.bool_)
        for step in range(steps[-1]):
            at = self.row + step, self.car
            cars.step_s[:] = self.step_s[at]
            drive(params, cars, np.ascontiguousarray(self.action[at]), moving)
            if step + 1 in steps:
                found.append(self._misses(cars, self.pose[self.row + step + 1, self.car]))
        return found

    def _misses(self, cars: CarState, pose: Array) -> Array:
        x = cars.x_m + NOSE_M * np.cos(cars.heading_rad) - pose[:, 0]
        y = cars.y_m + NOSE_M * np.sin(cars.heading_rad) - pose[:, 1]
        return np.column_stack([np.hypot(x, y), abs(cars.heading_rad - pose[:, 2])])

    def _at_starts(self, params: CarParams) -> CarState:
        """The model at the start of each window: recorded pose, the rest as the commands before left it."""
        count = self.pose.shape[1]
        running, moving = new_cars(count), np.ones(count, np.bool_)
        states = np.zeros((len(self.pose), len(running), count))
        for row in range(len(self.pose)):
            states[row] = running
            if row:  # the command of the prepare step is not carried out
                running.step_s[:] = self.step_s[row]
                drive(params, running, np.ascontiguousarray(self.action[row]), moving)
        cars = CarState(*np.ascontiguousarray(states[self.row, :, self.car].T))
        x, y, heading = self.pose[self.row, self.car].T
        cars.heading_rad[:] = heading
        cars.x_m[:], cars.y_m[:] = x - NOSE_M * np.cos(heading), y - NOSE_M * np.sin(heading)
        return cars


def fit(windows: Windows, start: CarParams, rounds: int = 400) -> CarParams:
    """The constants `FITTED` that make the mean position error after a third of a second and a second smallest."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    def params(logs: Array) -> CarParams:
        values = np.exp(logs)
        return start._replace(**{name: float(value) for name, value in zip(FITTED, values, strict=True)})

    def loss(logs: Array) -> float:
        return float(sum(error[:, 0].mean() for error in windows.errors(params(logs), (5, SECOND))))

    first = np.log([max(getattr(start, name), 1e-3) for name in FITTED])
    corners = np.vstack([first, first + 0.2 * np.eye(len(first))])
    options = {"maxfev": rounds, "initial_simplex": corners, "xatol": 1e-3, "fatol": 1e-5}
    return params(minimize(loss, first, method="Nelder-Mead", options=options).x)


def judged(windows: Windows, params: CarParams) -> str:
    """A row of the table: position error after a step, and position and yaw error after a second."""
    step, second = windows.errors(params, (1, SECOND))
    median, p95 = np.percentile(second[:, 0], (50, 95)) * 100.0
    yaw = np.degrees(np.median(second[:, 1]))
    return f"{np.median(step[:, 0]) * 100.0:.1f} cm | {median:.1f} cm | {p95:.0f} cm | {yaw:.1f}° |"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--traces", type=Path, required=True)
    options.add_argument("--job", choices=JOBS, action="append")
    options.add_argument("--fit", action="store_true")
    options.add_argument("--stride", type=int, default=3, help="fit to each n-th moment")
    chosen = options.parse_args()
    print("| car | one step, median | one second, median | 95 % | yaw, median |\n|---|---|---|---|---|")
    for name in chosen.job or JOBS:
        episodes = read_job(chosen.traces, JOBS[name])
        held_out, car = Windows(episodes[1::2]), CARS.load(name)
        print(f"| {name} | {judged(held_out, car)}\n| plain | {judged(held_out, PLAIN)}", flush=True)
        if chosen.fit:
            car = fit(Windows(episodes[::2], chosen.stride), car)
            print(f"| {name}, fitted again | {judged(held_out, car)}\n{car}", flush=True)


if __name__ == "__main__":
    main()
