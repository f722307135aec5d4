"""How fast laps are: distribution, sectors, the fastest against the median one; and progress by iteration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from drcli.errors import UsageError
from drcli.sim.track import Array, Track
from drcli.watch.analysis.driven_lines import measured_speed
from drcli.watch.analysis.lap_sections import lap_clock
from drcli.watch.recordings.recorded_episode import RecordedEpisode

SECTORS, MOST_SECTORS = 6, 30
_BINS, _PLACES, _SMOOTH_STEPS = 20, 200, 5


@dataclass(frozen=True, eq=False)
class LapDistribution:
    """Seconds of complete laps. edges_s, counts: a histogram, `[B + 1]` and `[B]`; all None or empty without laps."""

    laps: int
    best_s: float | None
    median_s: float | None
    mean_s: float | None
    worst_s: float | None
    edges_s: Array
    counts: Array


@dataclass(frozen=True)
class IterationProgress:
    """Episodes of an iteration, of all workers: their mean reward and progress (%), their complete laps."""

    iteration: int
    episodes: int
    laps: int
    progress: float
    reward: float
    best_s: float | None
    median_s: float | None


@dataclass(frozen=True)
class LapSectors:
    """Seconds that a lap spent in each sector."""

    episode: str
    lap_s: float
    times_s: tuple[float, ...]


@dataclass(frozen=True)
class SectorTable:
    """Sectors of equal length from the start line; laps: fastest first. ideal_s: the sum of the best sectors."""

    sector_m: float
    laps: tuple[LapSectors, ...]
    best_s: tuple[float, ...]
    median_s: tuple[float, ...]
    ideal_s: float | None


@dataclass(frozen=True, eq=False)
class LapSpeeds:
    """A lap's smoothed speed at places along the track: `[P]` metres from the start line, and m/s."""

    episode: str
    lap_s: float
    place_m: Array
    speed_mps: Array


def lap_distribution(episodes: Sequence[RecordedEpisode]) -> LapDistribution:
    """Of the complete laps among them."""
    laps_s = np.array([each.time_s for each in episodes if each.is_lap])
    if not len(laps_s):
        return LapDistribution(0, None, None, None, None, np.zeros(0), np.zeros(0))
    counts, edges = np.histogram(laps_s, bins=min(_BINS, max(1, len(laps_s))))
    return LapDistribution(
        laps=len(laps_s),
        best_s=float(laps_s.min()),
        median_s=float(np.median(laps_s)),
        mean_s=float(laps_s.mean()),
        worst_s=float(laps_s.max()),
        edges_s=edges,
        counts=counts.astype(float),
    )


def progress_by_iteration(episodes: Sequence[RecordedEpisode]) -> list[IterationProgress]:
    """One entry for each iteration; episodes that are parts are left out."""
    whole = sorted((each for each in episodes if each.is_whole), key=lambda each: each.iteration)
    found = []
    for iteration, group in groupby(whole, key=lambda each: each.iteration):
        driven = [*group]
        laps_s = [each.time_s for each in driven if each.is_lap]
        found.append(
            IterationProgress(
                iteration,
                len(driven),
                len(laps_s),
                float(np.mean([each.progress for each in driven])),
                float(np.mean([each.total_reward for each in driven])),
                min(laps_s, default=None),
                float(np.median(laps_s)) if laps_s else None,
            )
        )
    return found


def sector_table(track: Track, episodes: Sequence[RecordedEpisode], sectors: int = SECTORS) -> SectorTable:
    """Sector times of the complete laps. Raises UsageError unless there are 3 to 30 sectors."""
    if not 3 <= sectors <= MOST_SECTORS:
        raise UsageError(f"{sectors} sectors are not possible.", f"Choose 3 to {MOST_SECTORS}.")
    laps = sorted((each for each in episodes if each.is_lap), key=lambda lap: lap.time_s)
    rows = tuple(
        LapSectors(lap.name, lap.time_s, tuple(_sector_times(track, lap, sectors).tolist())) for lap in laps
    )
    times = np.array([row.times_s for row in rows]).reshape(-1, sectors)
    if not rows:
        return SectorTable(track.length_m / sectors, (), (), (), None)
    best = times.min(axis=0)
    return SectorTable(
        track.length_m / sectors,
        rows,
        tuple(best.tolist()),
        tuple(np.median(times, axis=0).tolist()),
        float(best.sum()),
    )


def fastest_and_median(track: Track, episodes: Sequence[RecordedEpisode]) -> tuple[LapSpeeds, ...]:
    """The speeds of the fastest and of the median lap; empty without laps."""
    laps = sorted((each for each in episodes if each.is_lap), key=lambda lap: lap.time_s)
    chosen = [laps[0], laps[len(laps) // 2]] if laps else []
    return tuple(_speeds(track, lap) for lap in chosen)


def _sector_times(track: Track, lap: RecordedEpisode, sectors: int) -> Array:
    """`[sectors]` s; what a lap starts within is the sum of both ends."""
    at, times = lap_clock(track, lap)
    size = track.length_m / sectors
    inner = np.arange(np.ceil(at[0] / size), np.floor(at[-1] / size) + 1) * size
    edges = np.unique(np.clip([at[0], *inner, at[-1]], at[0], at[-1]))
    moving, first = np.unique(at, return_index=True)
    arrival = np.concatenate([np.interp(edges[:-1], moving, times[first]), times[-1:]])
    numbers = np.floor((edges[:-1] + edges[1:]) / 2 / size).astype(int) % sectors
    if len(edges) > 1:
        arrival[0] = times[0]
    return np.asarray(np.bincount(numbers, np.diff(arrival), sectors), np.float64)


def _speeds(track: Track, lap: RecordedEpisode) -> LapSpeeds:
    at = lap_clock(track, lap)[0][1:]
    edge = _SMOOTH_STEPS // 2
    padded = np.pad(measured_speed(lap), edge, mode="edge")
    speed = np.convolve(padded, np.ones(_SMOOTH_STEPS) / _SMOOTH_STEPS, mode="valid")
    places = (np.arange(_PLACES) + 0.5) * track.length_m / _PLACES
    order = np.argsort(at % track.length_m)
    values = np.interp(places, (at % track.length_m)[order], speed[order], period=track.length_m)
    return LapSpeeds(lap.name, lap.time_s, places, values)
