"""Recorded laps, paid again: params are measured from the poses and commands of a simtrace.

Works with traces of our engine, of the community's and of the consoles; steps before the car moves are left out.
"""

from __future__ import annotations

import math
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status, TraceRow
from drcli.errors import DrError
from drcli.rewards.drives import FROM_THE_LINE, Drive
from drcli.rewards.standing_objects import StandingObjects
from drcli.sim.car_arrays import new_arrays
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import NOSE_M, STEP_S
from drcli.sim.geometry import Road, road_of
from drcli.sim.reward import RewardFunction
from drcli.sim.reward_params import facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import Track
from drcli.store.client import Bucket
from drcli.store.simtrace import read_csv

MOST = 40  # recorded drives that are compared, unless more are wanted
_MOST_BYTES = 200_000_000  # of traces in an archive
_LENGTH_TOLERANCE = 0.03
_LEAST_ROWS = 5


class Trace(NamedTuple):
    """A simtrace: where it is, and its content."""

    name: str
    content: bytes


def traces_in(path: Path) -> list[Trace]:
    """The simtraces of a CSV file, a folder or a `.tar.gz` archive, in the order of their names.

    Raises:
        DrError: there are none, or the archive cannot be read.
    """
    if path.is_dir():
        found = [
            Trace(str(file), file.read_bytes()) for file in path.rglob("*.csv") if _is_trace(file.as_posix())
        ]
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        found = [*_archived(path)]
    else:
        try:
            found = [Trace(str(path), path.read_bytes())]
        except OSError as error:
            raise DrError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not found:
        raise DrError(f"{path} contains no simtraces.", "They are called N-iteration.csv.")
    return sorted(found)


def traces_under(bucket: Bucket, prefix: str) -> list[Trace]:
    """The simtraces of a model in the bucket, of trainings and evaluations. Raises DrError if there are none."""
    keys = sorted(info.key for info in bucket.list(f"{prefix.strip('/')}/") if _is_trace(info.key))
    if not keys:
        raise DrError(
            f"{bucket.config.place} contains no simtraces under {prefix}.", "`dr models` lists the models."
        )
    return [Trace(key, bucket.get(key)) for key in keys]


def recorded_drives(
    traces: Sequence[Trace],
    track: Track,
    reward: RewardFunction,
    most: int = MOST,
    race: RaceSettings = FROM_THE_LINE,
) -> list[Drive]:
    """What the function pays for recorded episodes; of many, `most` are chosen evenly, three of four complete laps.

    Episodes on other tracks, such as those of an evaluation, are left out. Objects are not recorded: those of `race`
    stand where it puts them.

    Raises:
        DrError: a trace is broken, or all were recorded on other tracks.
        RewardError: the function fails.
    """
    episodes = [episode for trace in traces for episode in _episodes(trace)]
    here = [episode for episode in episodes if episode.is_on(track)]
    if not here:
        raise _no_episodes(episodes, track)
    laps = sorted((episode for episode in here if episode.is_lap), key=lambda lap: lap.time_s)
    others = sorted((episode for episode in here if not episode.is_lap), key=lambda other: -other.progress)
    few = min(len(others), max(most // 4, most - len(laps)))
    ground = _Ground(track, road_of(track), race)
    chosen = [*_evenly(laps, most - few), *_evenly(others, few)]
    return [_paid(episode, ground, reward) for episode in chosen]


class _Ground(NamedTuple):
    track: Track
    road: Road
    race: RaceSettings


class _Recorded(NamedTuple):
    name: str
    rows: list[TraceRow]

    @property
    def is_lap(self) -> bool:
        return self.rows[-1].episode_status == Status.LAP_COMPLETE

    @property
    def progress(self) -> float:
        return float(self.rows[-1].progress)

    @property
    def time_s(self) -> float:
        """By the clock of an evaluation, which also counts the prepare step and the first one."""
        return float(self.rows[-1].tstamp - self.rows[0].tstamp) + 2 * STEP_S

    def is_on(self, track: Track) -> bool:
        return abs(self.rows[0].track_len - track.length_m) <= _LENGTH_TOLERANCE * track.length_m


def _evenly(episodes: Sequence[_Recorded], most: int) -> Iterator[_Recorded]:
    for at in np.unique(
        np.linspace(0, len(episodes) - 1, min(most, len(episodes))).round().astype(int)
    ).tolist():
        yield episodes[at]


def _no_episodes(episodes: Sequence[_Recorded], track: Track) -> DrError:
    if not episodes:
        return DrError("The simtraces contain no complete episodes.")
    first = episodes[0]
    return DrError(
        f"The {first.name} was recorded on a track of {first.rows[0].track_len:.2f} m; {track.name} has "
        f"{track.length_m:.2f} m.",
        "Name the track of the traces with --track.",
    )


def _episodes(trace: Trace) -> Iterator[_Recorded]:
    rows = [TraceRow(*row) for row in read_csv(trace.content, trace.name)]
    stem = Path(trace.name).stem
    episode: list[TraceRow] = []
    for row in rows:
        if episode and (row.episode != episode[0].episode or row.episode_status == Status.PREPARE):
            yield from _whole(stem, episode)
            episode = []
        if row.episode_status not in (Status.PREPARE, Status.PAUSE):
            episode.append(row)
    yield from _whole(stem, episode)


def _whole(stem: str, rows: list[TraceRow]) -> Iterator[_Recorded]:
    """The episode, if it was recorded to its end."""
    if len(rows) >= _LEAST_ROWS and rows[-1].episode_status != Status.IN_PROGRESS:
        yield _Recorded(f"episode {rows[0].episode} of {stem}", rows)


def _paid(episode: _Recorded, ground: _Ground, reward: RewardFunction) -> Drive:
    """Call the function with params that are measured again, from the nose's pose in each row."""
    rows, car, (track, road, race) = episode.rows, reward.for_car(), ground
    is_reversed = _is_against(rows, track)
    facts = facts_of(track, is_reversed)
    objects = StandingObjects(track, replace(race, reverse_dir=is_reversed), 1)
    cars, history, at = new_cars(1), new_arrays(CarHistory, 1), new_arrays(Telemetry, 1)
    seen, begun_s = np.ones(1, np.bool_), rows[0].tstamp - 2 * STEP_S
    history.is_reversed[0] = is_reversed
    rewards, progress = [], []
    for number, row in enumerate(rows):
        yaw = math.radians(row.yaw)
        put(cars, 0, row.X - NOSE_M * math.cos(yaw), row.Y - NOSE_M * math.sin(yaw), yaw)
        measure(road, cars, history.block, len(rows) + 1, seen, False, at.block)
        if number == 0:  # progress counts from where the episode began
            along = at.projection_distance_m[0] / track.length_m
            history.start_ndist[0] = along - row.progress / 100.0
            measure(road, cars, history.block, len(rows) + 1, seen, False, at.block)
        step = _step(at, row, row.tstamp - begun_s)
        params = reward_params(step, 0, facts) | objects.params(cars, at)[0]
        params["is_crashed"] = row.episode_status == Status.CRASHED
        rewards.append(car(params, step.time_s[0]))
        progress.append(float(at.progress[0]))
    status = rows[-1].episode_status
    return Drive(episode.name, status, episode.time_s, np.array(rewards), np.array(progress))


def _step(at: Telemetry, row: TraceRow, time_s: float) -> Step:
    action = np.array([[row.steer, row.throttle]])
    times_s = np.array([[time_s - STEP_S], [time_s]])
    return Step([0], at, action, None, np.array([int(row.steps)]), times_s[1], times_s[0])


def _is_against(rows: Sequence[TraceRow], track: Track) -> bool:
    """Whether an episode runs against the order of the track's points: progress grows while they count down."""
    points = track.center
    first, later = rows[0], rows[min(len(rows) - 1, 20)]
    here, there = (int(((points - (row.X, row.Y)) ** 2).sum(axis=1).argmin()) for row in (first, later))
    moved = (there - here + len(points) // 2) % len(points) - len(points) // 2
    return moved < 0 < later.progress - first.progress


def _archived(path: Path) -> Iterator[Trace]:
    left = _MOST_BYTES
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and _is_trace(member.name):
                    left -= member.size
                    if left < 0:
                        raise DrError(f"{path} contains more than {_MOST_BYTES // 10**6} MB of simtraces.")
                    file: Any = archive.extractfile(member)
                    yield Trace(member.name, file.read())
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DrError(f"{path} cannot be read: {error}.", "Is it a .tar.gz of a training?") from None


def _is_trace(name: str) -> bool:
    return name.endswith("-iteration.csv") or ("simtrace" in name and name.endswith(".csv"))
