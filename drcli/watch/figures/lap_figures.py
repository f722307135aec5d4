"""Figures of laps: times of sectors, actions in turns, the fastest lap against the median one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drcli.sim.track import Track
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import BLUE, GREEN, INK, ORANGE, Drawing, NoData
from drcli.watch.figures.lap_sections import (
    SECTORS,
    lap_clock,
    positions_m,
    section_of,
    sections,
    sector_times,
)
from drcli.watch.figures.road_pictures import places, road, speeds_mps
from drcli.watch.recordings.recorded_episode import RecordedEpisode

_MOST_ACTIONS, _STEER_STEP_DEG, _SPEED_STEP_MPS = 26, 10.0, 1.0


def draw_sectors(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """Seconds per sector: all complete laps, their median and the fastest lap."""
    laps = _laps(episodes)
    times = np.array([sector_times(track, lap) for lap in laps])
    best = min(range(len(laps)), key=lambda number: laps[number].time_s)
    figure = drawing.new_figure(height_in=3.4)
    axes = figure.add_subplot(xlabel="sector, from the start line", ylabel="time (s)")
    spread = np.random.default_rng(0).uniform(-0.18, 0.18, len(laps))
    for sector in range(SECTORS):
        axes.plot(
            sector + 1 + spread,
            times[:, sector],
            "o",
            color=BLUE,
            alpha=0.35,
            markersize=4,
            rasterized=len(laps) > 100,
        )
    axes.plot([], [], "o", color=BLUE, alpha=0.6, label="a lap")
    numbers = np.arange(1, SECTORS + 1)
    middle = np.median(times, axis=0)
    axes.plot(numbers, middle, "_", color=INK, markersize=26, markeredgewidth=2, label="median")
    axes.plot(numbers, times[best], "D", color=ORANGE, markersize=6, label="fastest lap")
    ideal = float(times.min(axis=0).sum())
    drawing.legend(axes, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    told = ", ".join(f"{number}: {value:.2f} s" for number, value in zip(numbers, middle, strict=True))
    return Drawing(
        figure,
        f"Times of {len(laps)} complete laps in {SECTORS} sectors of {track.length_m / SECTORS:.2f} m. Medians: {told}. "
        f"The best time of each sector adds up to {ideal:.2f} s; the fastest lap took {laps[best].time_s:.2f} s.",
    )


def draw_fastest_and_median(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """Both laps on the map, and their speeds along the track."""
    laps = sorted(_laps(episodes), key=lambda lap: lap.time_s)
    if len(laps) < 2:
        raise NoData("there is only one complete lap")
    pair = (("fastest", laps[0], ORANGE, "-"), ("median", laps[len(laps) // 2], BLUE, "--"))
    figure, axes = road(track, extra_in=2.4)
    below = next(other for other in figure.axes if other is not axes)
    told = []
    for name, lap, colour, dash in pair:
        axes.plot(*places(lap).T, dash, color=colour, linewidth=1.6, zorder=4)
        at, speed = lap_clock(track, lap)[0][1:] % track.length_m, speeds_mps(lap)
        order = np.argsort(at)
        speed = np.convolve(np.pad(speed, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        label = f"{name}: {lap.time_s:.2f} s"
        below.plot(at[order], speed[order], dash, color=colour, linewidth=1.5, label=label)
        told.append(f"the {name} lap took {lap.time_s:.2f} s at {speed.mean():.2f} m/s")
    below.set(xlabel="metres from the start line", ylabel="speed (m/s)", xlim=(0, track.length_m))
    drawing.legend(below, loc="best")
    return Drawing(
        figure, f"Map and speed of two of {len(laps)} complete laps on {track.name}: {', '.join(told)}."
    )


def draw_actions(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """How often each action was chosen in each turn and straight."""
    driven = [episode for episode in episodes if len(episode.driven)]
    if not driven:
        raise NoData("no steps were recorded")
    steps = np.concatenate([episode.driven for episode in driven])
    parts = sections(track)
    at = np.concatenate([positions_m(track, places(episode)) for episode in driven])
    where = section_of(parts, at, track.length_m)
    actions = np.stack([steps["steer"], steps["throttle"]], axis=1).round(2)
    if len(np.unique(actions, axis=0)) > _MOST_ACTIONS:
        unit = np.array([_STEER_STEP_DEG, _SPEED_STEP_MPS])
        actions = (actions / unit).round() * unit
    kinds, chosen = np.unique(actions, axis=0, return_inverse=True)
    counts = np.zeros((len(kinds), len(parts)))
    np.add.at(counts, (chosen.ravel(), where), 1)
    shares = 100 * counts / np.maximum(counts.sum(axis=0), 1)
    labels = [f"{steer:+.0f}°, {speed:.1f} m/s" for steer, speed in kinds]
    figure = drawing.new_figure(height_in=1.6 + 0.24 * len(kinds))
    axes = figure.add_subplot()
    shown = axes.pcolormesh(shares, cmap=drawing.VALUES, vmin=0.0, rasterized=True)
    axes.set_yticks(np.arange(len(kinds)) + 0.5, labels, fontsize=8)
    axes.set_xticks(
        np.arange(len(parts)) + 0.5, [part.name for part in parts], rotation=40, ha="right", fontsize=8
    )
    axes.grid(False)
    figure.colorbar(shown, ax=axes, label="% of the steps in this part")
    told = "; ".join(f"{part.name}: {labels[int(shares[:, n].argmax())]}" for n, part in enumerate(parts))
    return Drawing(
        figure,
        f"Table of colours: how often each action was chosen in each part of {track.name}, over {len(steps):,} steps. "
        f"Most often: {told}. Positive steering is to the left.",
    )


def draw_progress(episodes: Sequence[RecordedEpisode]) -> Drawing:
    """How far each episode came and how much reward it got: does more reward mean a better drive?"""
    if not episodes:
        raise NoData("no steps were recorded")
    figure = drawing.new_figure(height_in=3.4)
    axes = figure.add_subplot(xlabel="lap completed (%)", ylabel="reward of the episode")
    many = len(episodes) > 300
    for is_lap, colour, mark, label in (
        (False, BLUE, "o", "not complete"),
        (True, GREEN, "D", "complete lap"),
    ):
        points = [(each.progress, each.total_reward) for each in episodes if each.is_lap == is_lap]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                mark,
                color=colour,
                alpha=0.5,
                markersize=4,
                rasterized=many,
                label=label,
            )
    drawing.legend(axes, loc="upper left")
    laps = [episode for episode in episodes if episode.is_lap]
    told = f"{len(episodes)} episodes, {len(laps)} of them complete laps"
    if len(laps) > 2:
        both = np.corrcoef([lap.time_s for lap in laps], [lap.total_reward for lap in laps])[0, 1]
        if np.isfinite(both):
            told += f"; correlation of lap time and reward {both:+.2f} (below 0: fast laps get more)"
    return Drawing(figure, f"Reward over progress of {told}.")


def _laps(episodes: Sequence[RecordedEpisode]) -> list[RecordedEpisode]:
    """Complete laps without a reset in between."""
    laps = [episode for episode in episodes if episode.is_lap and len(episode.driven) > 10]
    if not laps:
        raise NoData("no lap was completed")
    return [lap for lap in laps if lap.pause_s == 0.0] or laps
