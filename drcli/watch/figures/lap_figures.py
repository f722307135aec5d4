"""Figures of laps: times of sectors, actions in turns, the fastest lap against the median one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drcli.sim.track import Track
from drcli.watch.analysis.lap_times import fastest_and_median, sector_table
from drcli.watch.analysis.turn_actions import actions_by_turn
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import BLUE, GREEN, INK, ORANGE, Drawing, NoData
from drcli.watch.figures.road_pictures import places, road
from drcli.watch.recordings.recorded_episode import RecordedEpisode


def draw_sectors(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """Seconds per sector: all complete laps, their median and the fastest lap."""
    table = sector_table(track, episodes)
    if not table.laps:
        raise NoData("no lap was completed")
    times = np.array([lap.times_s for lap in table.laps])  # the fastest lap first
    figure = drawing.new_figure(height_in=3.4)
    axes = figure.add_subplot(xlabel="sector, from the start line", ylabel="time (s)")
    numbers = np.arange(1, times.shape[1] + 1)
    aside = np.random.default_rng(0).uniform(-0.18, 0.18, times.shape)  # so that dots do not hide each other
    axes.plot(
        (numbers + aside).ravel(), times.ravel(), "o", color=BLUE, alpha=0.4, markersize=4,
        rasterized=times.size > 600, label="a lap",
    )  # fmt: skip
    axes.plot(numbers, table.median_s, "_", color=INK, markersize=26, markeredgewidth=2, label="median")
    axes.plot(numbers, times[0], "D", color=ORANGE, markersize=6, label="fastest lap")
    drawing.legend(axes, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    told = ", ".join(
        f"{number}: {value:.2f} s" for number, value in zip(numbers, table.median_s, strict=True)
    )
    return Drawing(
        figure,
        f"Times of {len(times)} complete laps in {len(numbers)} sectors of {table.sector_m:.2f} m. Medians: {told}. "
        f"The best time of each sector adds up to {table.ideal_s:.2f} s; the fastest lap took "
        f"{table.laps[0].lap_s:.2f} s.",
    )


def draw_fastest_and_median(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """Both laps on the map, and their speeds along the track."""
    laps = fastest_and_median(track, episodes)
    if not laps or laps[0].episode == laps[1].episode:
        raise NoData("fewer than two laps were completed")
    drives = {episode.name: episode for episode in episodes if episode.is_lap}
    figure, axes = road(track, extra_in=2.4)
    below = figure.axes[1]
    told = []
    for name, lap, colour, dash in zip(("fastest", "median"), laps, (ORANGE, BLUE), ("-", "--"), strict=True):
        x, y = places(drives[lap.episode]).T
        axes.plot(x, y, dash, color=colour, linewidth=1.6, zorder=4)
        label = f"{name}: {lap.lap_s:.2f} s"
        below.plot(lap.place_m, lap.speed_mps, dash, color=colour, linewidth=1.5, label=label)
        told.append(f"the {name} took {lap.lap_s:.2f} s at {lap.speed_mps.mean():.2f} m/s")
    below.set(xlabel="metres from the start line", ylabel="speed (m/s)", xlim=(0, track.length_m))
    drawing.legend(below, loc="best")
    return Drawing(figure, f"Map and speeds of two complete laps on {track.name}: {', '.join(told)}.")


def draw_actions(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """How often each action was chosen in each turn and straight."""
    found = actions_by_turn(track, episodes)
    if not found.actions:
        raise NoData("no steps were recorded")
    counts = np.array(found.counts, float).T  # [action, section]
    shares = 100 * counts / np.maximum(counts.sum(axis=0), 1)
    actions = [f"{steer:+.0f}°, {speed:.1f} m/s" for steer, speed in found.actions]
    parts = [section.name for section in found.sections]
    figure = drawing.new_figure(height_in=1.6 + 0.24 * len(actions))
    axes = figure.add_subplot()
    shown = axes.pcolormesh(shares, cmap=drawing.VALUES, vmin=0.0, rasterized=True)
    axes.set_yticks(np.arange(len(actions)) + 0.5, actions, fontsize=8)
    axes.set_xticks(np.arange(len(parts)) + 0.5, parts, rotation=40, ha="right", fontsize=8)
    axes.grid(False)
    figure.colorbar(shown, ax=axes, label="% of the steps in this part")
    told = "; ".join(f"{part}: {actions[int(shares[:, n].argmax())]}" for n, part in enumerate(parts))
    rounded = " Actions are rounded to 10° and 1 m/s." if found.is_rounded else ""
    return Drawing(
        figure,
        f"Table of colours: how often each action was chosen in each part of {track.name}, over "
        f"{int(counts.sum()):,} steps. Most often: {told}. Positive steering is to the left.{rounded}",
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
