"""Where cars drove, how fast, what it paid, and where episodes ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drcli.sim.track import Array, Track
from drcli.watch.recordings.recorded_episode import RecordedEpisode

MOST_LINES = 60
_FASTEST_MPS = 8.0  # faster than any car: it has been put somewhere else
_FEW_LINES = 20


@dataclass(frozen=True, eq=False)
class TrackMap:
    """The lines of a track, `[N, 2]` each in metres, with its figures."""

    name: str
    length_m: float
    width_m: float
    direction: str
    is_loop: bool
    center: Array
    inner: Array
    outer: Array


@dataclass(frozen=True, eq=False)
class DrivenLine:
    """An episode as a line: `[T]` each; x and y of the nose in metres, measured speed, reward of the step."""

    episode: str
    status: str
    time_s: float
    x_m: Array
    y_m: Array
    speed_mps: Array
    reward: Array


@dataclass(frozen=True)
class EndPoint:
    """Where an episode ended that is not a complete lap, and why. progress in %."""

    episode: str
    iteration: int
    status: str
    x_m: float
    y_m: float
    progress: float


@dataclass(frozen=True, eq=False)
class WaypointRewards:
    """`[N]` by waypoint: number of steps, mean reward, what 10 % and 90 % of steps stay below; NaN without steps."""

    steps: Array
    mean: Array
    low: Array
    high: Array


def track_map(track: Track) -> TrackMap:
    """What a picture of the track needs."""
    return TrackMap(
        track.name, track.length_m, track.width_m, track.direction, track.is_loop,
        track.center, track.inner, track.outer,
    )  # fmt: skip


def line_of(episode: RecordedEpisode) -> DrivenLine:
    """The steps that were driven."""
    rows = episode.driven
    return DrivenLine(
        episode.name,
        episode.status,
        episode.time_s,
        rows["X"],
        rows["Y"],
        measured_speed(episode),
        rows["reward"],
    )


def typical_lines(episodes: Sequence[RecordedEpisode], most: int = MOST_LINES) -> list[DrivenLine]:
    """Complete laps, spread over the recording; without any, the episodes that came furthest."""
    chosen = [episode for episode in episodes if episode.is_lap]
    if not chosen:
        chosen = sorted(episodes, key=lambda episode: -episode.progress)[: min(most, _FEW_LINES)]
    places = np.unique(np.linspace(0, len(chosen) - 1, min(most, len(chosen))).astype(int))
    return [line_of(chosen[place]) for place in places]


def measured_speed(episode: RecordedEpisode) -> Array:
    """`[T]` m/s by place and clock of the steps that were driven; 0 where the car was put somewhere else."""
    rows = episode.driven
    if len(rows) < 2:
        return np.zeros(len(rows))
    gap_m, gap_s = np.hypot(np.diff(rows["X"]), np.diff(rows["Y"])), np.diff(rows["tstamp"])
    speed = np.divide(gap_m, gap_s, out=np.zeros_like(gap_m), where=gap_s > 0.0)
    speed[speed > _FASTEST_MPS] = 0.0
    return np.concatenate([speed[:1], speed])


def end_points(episodes: Sequence[RecordedEpisode]) -> list[EndPoint]:
    """Where they ended, complete laps and parts left out."""
    return [
        EndPoint(
            episode.name,
            episode.iteration,
            episode.status,
            float(episode.rows["X"][-1]),
            float(episode.rows["Y"][-1]),
            episode.progress,
        )
        for episode in episodes
        if episode.is_whole and not episode.is_lap
    ]


def rewards_by_waypoint(track: Track, episodes: Sequence[RecordedEpisode]) -> WaypointRewards:
    """What a step paid near each waypoint; the last waypoint of a loop is its first one."""
    points = len(track.center) - track.is_loop
    if not episodes:
        empty = np.full(points, np.nan)
        return WaypointRewards(np.zeros(points), empty, empty, empty)
    at = np.concatenate([episode.driven["closest_waypoint"] for episode in episodes]) % points
    reward = np.concatenate([episode.driven["reward"] for episode in episodes])
    order = np.argsort(at, kind="stable")
    parts = np.split(reward[order], np.searchsorted(at[order], np.arange(1, points)))
    found = np.array(
        [
            (len(part), part.mean(), *np.percentile(part, [10, 90])) if len(part) else (0, *[np.nan] * 3)
            for part in parts
        ]
    )
    return WaypointRewards(*found.T)
