"""PNG pictures of a track and of driven laps. Uses matplotlib's object API with Agg, so it needs no display.

`dr tracks show` calls `draw_track`; evaluations call `draw_evaluation`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from drcli.errors import DrError
from drcli.sim.track import Array, Track

_FIELD, _ROAD, _EDGE, _DASH, _INK = "#7e8541", "#403f3d", "#dfdfde", "#e18f00", "#1d6fd1"
_LONG_SIDE_IN, _MIN_SIDE_IN, _DPI = 11.0, 5.0, 110
_SPEEDS = "cool"  # bright on a dark road at both ends
_VALUES = "viridis"


def draw_track(track: Track, path: Path) -> None:
    """Draw the track with start line, direction, all waypoints (every tenth numbered) and a scale."""
    figure, axes = _canvas(track, _summary(track))
    points = track.center[:-1] if track.is_loop else track.center
    axes.plot(*points.T, ".", color="white", markersize=3, zorder=4)
    inward = track.inner - track.center
    for number in range(0, len(points), 10):
        x, y = points[number] + 0.45 * inward[number]
        axes.text(x, y, str(number), color="white", fontsize=7, ha="center", va="center", zorder=5)
    _save(figure, path)


def draw_laps(track: Track, laps: Sequence[Array], title: str, path: Path) -> None:
    """Draw laps on the track, coloured by speed; points off the road are marked with a cross.

    A lap is `[T, 3]`: x and y in metres, speed in m/s.
    """
    figure, axes = _canvas(track, f"{title}\n{_summary(track)}" if title else _summary(track))
    speeds = np.concatenate([lap[:, 2] for lap in laps]) if laps else np.zeros(0)
    scale = Normalize(0.0, float(speeds.max()) if speeds.size else 1.0)
    for lap in laps:
        steps = np.stack([lap[:-1, :2], lap[1:, :2]], axis=1)
        axes.add_collection(
            LineCollection(list(steps), array=lap[1:, 2], cmap=_SPEEDS, norm=scale, linewidths=1.6, zorder=4)
        )
        off = lap[~_on_road(track, lap[:, :2])]
        axes.plot(off[:, 0], off[:, 1], "x", color="red", markersize=6, zorder=5)
    if laps:
        figure.colorbar(ScalarMappable(scale, _SPEEDS), ax=axes, label="speed (m/s)", shrink=0.7)
    _save(figure, path)


def draw_values(track: Track, grid: Array, values: Array, text: tuple[str, str], path: Path) -> None:
    """Draw a value for every place on a grid over the track, as colours; text: a title, and what the values are.

    grid: `[L, S, 2]` x and y (m) of L lines beside each other with S places along the track; values: `[L, S]`.
    """
    title, label = text
    figure, axes = _canvas(track, f"{title}\n{_summary(track)}")
    low, high = float(values.min()), float(values.max())
    scale = Normalize(low, high if high > low else low + 1.0)
    if track.is_loop:
        grid, values = (np.concatenate([part, part[:, :1]], axis=1) for part in (grid, values))
    axes.pcolormesh(
        grid[..., 0], grid[..., 1], values, cmap=_VALUES, norm=scale, shading="gouraud", zorder=1.5
    )
    figure.colorbar(ScalarMappable(scale, _VALUES), ax=axes, label=label, shrink=0.7)
    _save(figure, path)


def draw_evaluation(track: Track, rows: Sequence[Sequence[Any]], title: str, path: Path) -> None:
    """Draw the laps of an evaluation's simtrace (columns in the order of its header) on the track."""
    draw_laps(track, driven_lines(rows), title, path)


def driven_lines(rows: Sequence[Sequence[Any]]) -> list[Array]:
    """The stretches between resets, as `[T, 3]` arrays of x, y (m) and measured speed (m/s)."""
    lines: list[list[tuple[float, float, float]]] = [[]]
    before: Sequence[Any] | None = None
    for row in rows:
        x, y, now, status = row[2], row[3], row[14], row[15]
        if before is None or row[0] != before[0] or status in ("prepare", "pause"):
            lines.append([(x, y, 0.0)])
        elif now > before[14]:
            speed = math.dist((x, y), before[2:4]) / (now - before[14])
            lines[-1].append((x, y, speed))
        before = row
    return [np.array(line) for line in lines if len(line) > 1]


def _canvas(track: Track, title: str) -> tuple[Figure, Axes]:
    low, high = track.rows.reshape(-1, 2).min(axis=0) - 0.6, track.rows.reshape(-1, 2).max(axis=0) + 0.6
    width, height = (high - low) * _LONG_SIDE_IN / (high - low).max()
    figure = Figure(figsize=(max(width, _MIN_SIDE_IN), max(height, _MIN_SIDE_IN) + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=_FIELD)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", title=title)
    axes.add_patch(PathPatch(_outline(track), facecolor=_ROAD, edgecolor=_EDGE, linewidth=1.6, zorder=1))
    axes.plot(*track.center.T, "--", color=_DASH, linewidth=1.0, zorder=2)
    _start(axes, track)
    axes.plot([low[0] + 0.2, low[0] + 1.2], [low[1] + 0.2] * 2, color="white", linewidth=3, zorder=5)
    axes.text(low[0] + 0.7, low[1] + 0.25, "1 m", color="white", ha="center", va="bottom", zorder=5)
    return figure, axes


def _start(axes: Axes, track: Track) -> None:
    """Draw the start line and an arrow in driving direction."""
    axes.plot(*np.stack([track.inner[0], track.outer[0]]).T, color="white", linewidth=3, zorder=3)
    x, y, heading = track.pose_at(0.0)
    tip = (x + 0.7 * np.cos(heading), y + 0.7 * np.sin(heading))
    arrow = {"arrowstyle": "-|>", "color": _INK, "linewidth": 3, "mutation_scale": 22}
    axes.annotate("", tip, (x, y), arrowprops=arrow, zorder=6)


def _outline(track: Track) -> Outline:
    """The road as one shape: between both borders of a loop, or around an open road."""
    if not track.is_loop:
        return Outline(np.concatenate([track.outer, track.inner[::-1], track.outer[:1]]), closed=True)
    # A hole is a ring in the opposite direction.
    return Outline.make_compound_path(
        Outline(track.outer, closed=True), Outline(track.inner[::-1], closed=True)
    )


def _on_road(track: Track, points: Array) -> npt.NDArray[np.bool_]:
    if not track.is_loop:
        return np.asarray(_outline(track).contains_points(points))
    outer, inner = (Outline(line, closed=True).contains_points(points) for line in (track.outer, track.inner))
    return np.asarray(outer != inner)


def _summary(track: Track) -> str:
    return f"{track.name}: {track.length_m:.2f} m long, {track.width_m:.2f} m wide, {track.direction}"


def _save(figure: Figure, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI, format="png")
    except OSError as error:
        raise DrError(f"Cannot write {path}: {error.strerror}.", "Choose another file with -o.") from None
