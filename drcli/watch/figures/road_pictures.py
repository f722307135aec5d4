"""Pictures of a track and of what happened where on it: laps, ends of episodes, rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from drcli.sim.track import Array, Track
from drcli.watch.analysis.driven_lines import end_points, rewards_by_waypoint, typical_lines
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import BLUE, EDGE, INK, ORANGE, PURPLE, RED, ROAD, Drawing, NoData
from drcli.watch.recordings.recorded_episode import RecordedEpisode

_LONG_SIDE_IN, _SHORT_SIDE_IN = 7.2, 2.8
_FAULTS = {  # status of a last step → its words, colour and mark
    "off_track": ("off track", RED, "x"),
    "crashed": ("crashed", PURPLE, "^"),
    "immobilized": ("immobilized", ORANGE, "s"),
    "reversed": ("reversed", BLUE, "D"),
    "time_up": ("time up", INK, "+"),
}


def draw_laps(
    track: Track, episodes: Sequence[RecordedEpisode], colour: Literal["speed", "reward"]
) -> Drawing:
    """Complete laps, at most 60 spread over the recording, coloured; without one, the episodes that came furthest."""
    drives = typical_lines(episodes)
    if not drives:
        raise NoData("no steps were recorded")
    is_laps = any(episode.is_lap for episode in episodes)
    what = "complete laps" if is_laps else "episodes that came furthest, as none is a complete lap"
    values = [drive.speed_mps if colour == "speed" else drive.reward for drive in drives]
    every = np.concatenate(values)
    low, high = (float(edge) for edge in np.percentile(every, [2, 98]))
    scale = Normalize(low, high if high > low else low + 1.0)
    palette = drawing.SPEEDS if colour == "speed" else drawing.VALUES
    figure, axes = road(track)
    for drive, value in zip(drives, values, strict=True):
        line = np.stack([drive.x_m, drive.y_m], axis=1)
        pieces = np.stack([line[:-1], line[1:]], axis=1)
        axes.add_collection(
            LineCollection(
                list(pieces),
                array=value[1:],
                cmap=palette,
                norm=scale,
                linewidths=1.3,
                alpha=0.8,
                rasterized=True,
            )
        )
    label = "speed (m/s)" if colour == "speed" else "reward of a step"
    figure.colorbar(ScalarMappable(scale, palette), ax=axes, label=label, shrink=0.75)
    return Drawing(
        figure,
        f"Map of {track.name} with the lines of {len(drives)} {what}, coloured by {label}: mostly between {low:.2f} "
        f"and {high:.2f}, mean {every.mean():.2f}.",
    )


def draw_ends(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """Where episodes ended that are not complete laps, by the reason."""
    if not episodes:
        raise NoData("no steps were recorded")
    figure, axes = road(track)
    found, told = end_points(episodes), []
    for status, (words, colour, mark) in _FAULTS.items():
        ends = np.array([(end.x_m, end.y_m) for end in found if end.status == status]).reshape(-1, 2)
        if len(ends):
            axes.plot(
                *ends.T, mark, color=colour, alpha=0.75, markersize=6, rasterized=len(ends) > 300,
                label=f"{words}: {len(ends)}", zorder=4,
            )  # fmt: skip
            told.append(f"{len(ends)} {words}")
    laps = sum(episode.is_lap for episode in episodes)
    axes.plot([], [], " ", label=f"complete laps: {laps}")
    drawing.legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Drawing(
        figure,
        f"Map of {track.name} with the places where {len(episodes)} episodes ended: {', '.join(told) or 'no fault'}, "
        f"and {laps} complete laps, which are not drawn.",
    )


def draw_reward_by_waypoint(track: Track, episodes: Sequence[RecordedEpisode]) -> Drawing:
    """The mean reward of a step at each waypoint, as a map and as a line with the middle 80 % of all steps."""
    if not episodes:
        raise NoData("no steps were recorded")
    found = rewards_by_waypoint(track, episodes)
    seen = np.flatnonzero(found.steps)
    mean = found.mean[seen]
    figure, axes = road(track, extra_in=2.2)
    scale = Normalize(mean.min(), mean.max() if mean.max() > mean.min() else mean.min() + 1.0)
    x, y = track.center[seen].T
    axes.scatter(x, y, c=mean, cmap=drawing.VALUES, norm=scale, s=30, zorder=4)
    figure.colorbar(
        ScalarMappable(scale, drawing.VALUES), ax=axes, label="mean reward of a step", shrink=0.75
    )
    below = figure.axes[1]
    below.fill_between(
        seen,
        found.low[seen],
        found.high[seen],
        color=BLUE,
        alpha=0.2,
        linewidth=0,
        label="middle 80 % of steps",
    )
    below.plot(seen, mean, color=BLUE, label="mean")
    below.set(xlabel="waypoint", ylabel="reward of a step", xlim=(0, len(found.steps) - 1))
    drawing.legend(below, loc="best")
    best, worst = seen[int(mean.argmax())], seen[int(mean.argmin())]
    return Drawing(
        figure,
        f"Map and line of the mean reward at each waypoint of {track.name}, from {int(found.steps.sum()):,} steps: "
        f"highest {mean.max():.2f} at waypoint {best}, lowest {mean.min():.2f} at waypoint {worst}.",
    )


def road(track: Track, extra_in: float = 0.0) -> tuple[Figure, Axes]:
    """A map of the track: road, start line with direction, every tenth waypoint. extra_in: height of axes below it."""
    low, high = track.rows.reshape(-1, 2).min(axis=0) - 0.3, track.rows.reshape(-1, 2).max(axis=0) + 0.3
    width, height = (high - low) * _LONG_SIDE_IN / max(high - low)
    map_in = float(np.clip(height * 0.85, _SHORT_SIDE_IN, 6.0))
    figure = drawing.new_figure(max(float(width), 5.2), map_in + extra_in)
    if extra_in:
        axes, _ = figure.subplots(2, 1, height_ratios=[map_in, extra_in])
    else:
        axes = figure.add_subplot()
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.axis("off")
    axes.add_patch(PathPatch(_outline(track), facecolor=ROAD, edgecolor=EDGE, linewidth=1.0, zorder=1))
    axes.plot(*np.stack([track.inner[0], track.outer[0]]).T, color=INK, linewidth=2.5, zorder=3)
    x, y, heading = track.pose_at(0.0)
    tip = (x + 0.5 * np.cos(heading), y + 0.5 * np.sin(heading))
    axes.annotate("", tip, (x, y), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 2}, zorder=5)
    away = track.outer - track.center
    for number in range(0, len(track.center) - 5, 10):
        x, y = track.center[number] + 1.35 * away[number]
        axes.text(x, y, str(number), color=drawing.FAINT, fontsize=7, ha="center", va="center", zorder=5)
    return figure, axes


def places(episode: RecordedEpisode) -> Array:
    """`[T, 2]` x and y (m) of the steps that were driven."""
    return np.stack([episode.driven["X"], episode.driven["Y"]], axis=1)


def _outline(track: Track) -> Outline:
    """The road as one shape: between both borders of a loop, or around an open road."""
    if not track.is_loop:
        return Outline(np.concatenate([track.outer, track.inner[::-1], track.outer[:1]]), closed=True)
    return Outline.make_compound_path(
        Outline(track.outer, closed=True), Outline(track.inner[::-1], closed=True)
    )
