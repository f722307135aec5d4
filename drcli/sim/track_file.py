"""Our track format: a small YAML file of straights and arcs, or of points, with a width (docs/tracks.md).

Converted to a `Track` with evenly spaced waypoints. Straights are stretched a little if a chain does not
quite close; a road that overlaps itself is rejected. Used by `drcli.sim.catalogue`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import yaml

from drcli.errors import DrError
from drcli.sim.track import Array, Track

_KEYS = {"description", "width_m", "spacing_m", "start", "path", "points"}
_FINE_M = 0.005  # spacing of the points of a curve before waypoints are placed on it
_MAX_GAP_M = 1.0


class _File:
    """A parsed file that reports errors with their place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise DrError(f"{path}:{line}: {error.problem}", "A track is YAML; see docs/tracks.md.") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DrError(
                f"{path}: cannot be read: {error}", "A track is YAML; see docs/tracks.md."
            ) from None
        if not isinstance(self.values, dict):
            raise DrError(f"{path}: not a mapping of keys", "A track has width_m and path or points.")

    def fail(self, key: str, why: str, hint: str = "See docs/tracks.md for the format.") -> NoReturn:
        raise DrError(f"{self.path}: {key}: {why}", hint)

    def number(self, value: object, key: str, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fail(key, f"{value!r} is not a number from {low:g} to {high:g}")
        return float(value)


def read_track(path: Path) -> Track:
    """The track of a YAML file, named after it. Raises DrError with the file and the key that is invalid."""
    file = _File(path)
    unknown = set(file.values) - _KEYS
    if unknown:
        file.fail(str(sorted(unknown, key=str)[0]), "unknown key", f"Known keys: {', '.join(sorted(_KEYS))}.")
    if ("path" in file.values) == ("points" in file.values):
        file.fail("path", "give either path (straights and arcs) or points")
    width = file.number(file.values.get("width_m"), "width_m", 0.3, 5.0)
    spacing = file.number(file.values.get("spacing_m", 0.15), "spacing_m", 0.05, 1.0)
    curve = _chain(file, width) if "path" in file.values else _spline(file)
    center, normal = _evenly(curve, spacing)
    left, right = center + normal * width / 2, center - normal * width / 2
    track = Track(path.stem, center, left, right)
    if not track.is_ccw:
        track = Track(path.stem, center, right, left)
    _check_road(file, track)
    return track


def description(path: Path) -> str:
    """The one-line description in a track file."""
    return str(_File(path).values.get("description", ""))


def _chain(file: _File, width_m: float) -> Array:
    """Finely spaced points `[M, 2]` of straights and arcs, closed."""
    pieces = _pieces(file, width_m)
    turned = math.degrees(sum(turn for _, turn in pieces))
    if abs(abs(turned) - 360.0) > 1e-6:
        file.fail(
            "path",
            f"turns {turned:g} degrees in total (left is positive)",
            "A lap turns 360 or -360 degrees.",
        )
    start = file.values.get("start", {})
    if not isinstance(start, dict) or set(start) - {"x_m", "y_m", "heading_deg"}:
        file.fail("start", "must contain only x_m, y_m and heading_deg")
    at = [
        file.number(start.get(key, 0.0), f"start.{key}", -1000, 1000) for key in ("x_m", "y_m", "heading_deg")
    ]
    heading = math.radians(at[2])
    return _walk(_close(file, pieces, heading), heading) + at[:2]


def _pieces(file: _File, width_m: float) -> list[tuple[float, float]]:
    """Length (m) and turn (rad, left positive) of every piece of `path`."""
    listed = file.values["path"]
    if not isinstance(listed, list) or not listed:
        file.fail("path", "must be a list of straights and arcs")
    pieces = []
    for index, piece in enumerate(listed):
        key = f"path[{index}]"
        if not isinstance(piece, dict):
            file.fail(key, f"{piece!r} is neither a straight nor an arc")
        if set(piece) == {"straight_m"}:
            pieces.append((file.number(piece["straight_m"], f"{key}.straight_m", 0.01, 1000.0), 0.0))
        elif set(piece) in ({"left_deg", "radius_m"}, {"right_deg", "radius_m"}):
            side, sign = ("left_deg", 1.0) if "left_deg" in piece else ("right_deg", -1.0)
            turn = math.radians(file.number(piece[side], f"{key}.{side}", 1.0, 360.0))
            radius = file.number(piece["radius_m"], f"{key}.radius_m", 0.01, 1000.0)
            if radius <= width_m / 2:
                file.fail(f"{key}.radius_m", f"{radius:g} is not more than half the width ({width_m / 2:g})")
            pieces.append((turn * radius, sign * turn))
        else:
            file.fail(key, "must be {straight_m}, {left_deg, radius_m} or {right_deg, radius_m}")
    return pieces


def _close(file: _File, pieces: list[tuple[float, float]], heading: float) -> list[tuple[float, float]]:
    """The pieces, with straights changed as little as possible (least squares) so that the end meets the start."""
    gap = _walk(pieces, heading)[-1]
    distance = float(np.hypot(*gap))
    headings = heading + np.concatenate([[0.0], np.cumsum([turn for _, turn in pieces])[:-1]])
    straight = np.array([turn == 0.0 for _, turn in pieces])
    ways = np.where(straight, [np.cos(headings), np.sin(headings)], 0.0)
    change = np.linalg.lstsq(ways, -gap, rcond=None)[0]
    closed = [(length + more, turn) for (length, turn), more in zip(pieces, change, strict=True)]
    missed = float(np.hypot(*(ways @ change + gap)))
    if distance > _MAX_GAP_M or missed > 1e-6 or min(length for length, _ in closed) <= 0.0:
        file.fail(
            "path",
            f"does not close: the end is {distance:.3f} m from the start ({gap[0]:+.3f}, {gap[1]:+.3f})",
            f"Change the straights; gaps up to {_MAX_GAP_M:g} m are closed by stretching straights.",
        )
    return closed


def _walk(pieces: list[tuple[float, float]], heading: float) -> Array:
    """Points `[M, 2]` along pieces, from the origin; exact on arcs."""
    points = [np.zeros((1, 2))]
    for length, turn in pieces:
        share = np.linspace(0.0, 1.0, max(2, math.ceil(length / _FINE_M)))[1:]
        # The chord to a point of an arc: length times sinc of half its turn, at half its turn.
        half = share * turn / 2
        chord, angle = share * length * np.sinc(half / np.pi), heading + half
        points.append(points[-1][-1] + np.column_stack([chord * np.cos(angle), chord * np.sin(angle)]))
        heading += turn
    return np.concatenate(points)


def _spline(file: _File) -> Array:
    """Finely spaced points `[M, 2]` of the closed cubic spline through `points`, by chord length."""
    listed = file.values["points"]
    if "start" in file.values:
        file.fail("start", "can only be used with path; a track of points starts at the first one")
    if not isinstance(listed, list) or len(listed) < 4:
        file.fail("points", "must be a list of at least four [x, y] in metres")
    for index, point in enumerate(listed):
        if not isinstance(point, list) or len(point) != 2:
            file.fail(f"points[{index}]", f"{point!r} is not [x, y]")
        for value in point:
            file.number(value, f"points[{index}]", -1000.0, 1000.0)
    knots = np.array([*listed, listed[0]], dtype=np.float64)
    chord = np.hypot(*np.diff(knots, axis=0).T)
    if not chord.all():
        file.fail(f"points[{int(chord.argmin())}]", "the same point twice in a row")
    return _through(knots, chord)


def _through(knots: Array, chord: Array) -> Array:
    """Periodic cubic spline: slopes m from continuity of the second derivative, then Hermite pieces."""
    count, before = len(chord), np.roll(chord, 1)
    rise = np.diff(knots, axis=0) / chord[:, None]
    rows = np.arange(count)
    system = np.zeros((count, count))
    system[rows, rows - 1] += chord
    system[rows, rows] += 2.0 * (chord + before)
    system[rows, (rows + 1) % count] += before
    slope = np.linalg.solve(
        system, 3.0 * (chord[:, None] * np.roll(rise, 1, axis=0) + before[:, None] * rise)
    )
    parts = [knots[:1]]
    for i in range(count):
        t = np.linspace(0.0, 1.0, max(2, math.ceil(chord[i] / _FINE_M)))[1:, None]
        ends = knots[i] * (1 + 2 * t) * (1 - t) ** 2 + knots[i + 1] * t**2 * (3 - 2 * t)
        tangents = slope[i] * t * (1 - t) ** 2 - slope[(i + 1) % count] * t**2 * (1 - t)
        parts.append(ends + chord[i] * tangents)
    return np.concatenate(parts)


def _evenly(curve: Array, spacing_m: float) -> tuple[Array, Array]:
    """Waypoints `[N, 2]` evenly along a closed curve, the first repeated, and unit normals to the left."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(curve, axis=0).T).cumsum()])
    count = max(8, round(along[-1] / spacing_m))
    at = np.linspace(0.0, along[-1], count + 1)[:-1]

    def point(distance: Array) -> Array:
        return np.column_stack([np.interp(distance % along[-1], along, axis) for axis in curve.T])

    ahead = point(at + _FINE_M) - point(at - _FINE_M)
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]]) / np.hypot(*ahead.T)[:, None]
    center = point(at)
    return np.concatenate([center, center[:1]]), np.concatenate([normal, normal[:1]])


def _check_road(file: _File, track: Track) -> None:
    """Reject a road that overlaps itself: borders must not cross themselves or each other."""
    lines = (
        np.concatenate([track.inner[:-1], track.outer[:-1]]),
        np.concatenate([track.inner[1:], track.outer[1:]]),
    )
    crossing = _crossing(*lines)
    if crossing.any():
        x, y = lines[0][int(crossing.any(axis=1).argmax())]
        key = "path" if "path" in file.values else "points"
        file.fail(key, f"the road overlaps itself near x {x:.2f}, y {y:.2f}", "Move the stretches apart.")


def _crossing(start: Array, end: Array) -> npt.NDArray[np.bool_]:
    """`[S, S]`: which segments properly cross which (shared end points do not count)."""

    def side(point: Array) -> Array:
        step = end - start
        reach = point[None] - start[:, None]
        return np.asarray(np.sign(step[:, None, 0] * reach[..., 1] - step[:, None, 1] * reach[..., 0]))

    apart = side(start) * side(end) < 0.0
    return np.asarray(apart & apart.T)
