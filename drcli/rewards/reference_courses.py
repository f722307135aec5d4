"""Reference laps: good and bad ways to drive a track, from the racing line to leaving the road half way.

They are driven by pure pursuit, not by a model; commands are continuous, up to the model's highest speed.
"""

from __future__ import annotations

import numpy as np

from drcli.rewards.drives import drivable
from drcli.sim.constants import MAX_SPEED_MPS
from drcli.sim.pursuit import Course
from drcli.sim.racing_line import every_point, smooth_line, speeds_on, stations
from drcli.sim.track import Array, Track

SLOWEST_MPS = 0.5
_LATERAL_MPS2 = (6.5, 5.0, 3.5, 2.0)  # in bends; the fastest that stays on the road is taken
_SHORTNESS, _MARGIN_M = 0.1, 0.17
_WEAVE_M, _WEAVE = 2.5, 0.28  # length of a weave, and how far to both sides, as a share of the width
_NEAR_BORDER, _ON_BORDER = 0.36, 0.5  # share of the width beside the centre line
_LEAVE_M = 1.5  # a car that leaves the road is beside it after so many metres


def reference_courses(track: Track, max_speed_mps: float) -> dict[str, Course]:
    """The courses by name; the fastest way first, failures last."""
    top = min(max(max_speed_mps, SLOWEST_MPS), MAX_SPEED_MPS)
    speeds = sorted(
        {max(round(top * share, 2), SLOWEST_MPS) for share in (1.0, 0.75, 0.5, 0.25)}, reverse=True
    )
    brisk = speeds[min(1, len(speeds) - 1)]
    lines: dict[str, tuple[Array, float]] = {}
    if track.is_loop:
        racing = smooth_line(track, _SHORTNESS, _MARGIN_M)
        lines |= {f"racing line, {speed:g} m/s": (racing, speed) for speed in speeds[:3]}
    center = beside(track, 0.0)
    lines |= {f"centre line, {speed:g} m/s": (center, speed) for speed in speeds}
    count = len(stations(track))
    weaves = np.sin(np.linspace(0.0, 2.0 * np.pi * round(track.length_m / _WEAVE_M), count, endpoint=False))
    lines |= {
        f"weaving, {brisk:g} m/s": (beside(track, _WEAVE * weaves), brisk),
        f"along the left border, {brisk:g} m/s": (beside(track, _NEAR_BORDER), brisk),
        f"along the right border, {brisk:g} m/s": (beside(track, -_NEAR_BORDER), brisk),
        f"two wheels off the road, {brisk:g} m/s": (beside(track, _ON_BORDER), brisk),
        f"leaves the road half way, {top:g} m/s": (leaving(track, 0.5), top),
        f"leaves the road early, {top:g} m/s": (leaving(track, 0.15), top),
    }
    ways = [
        [Course(line, speeds_on(line, speed, limit)) for limit in _LATERAL_MPS2]
        for line, speed in lines.values()
    ]
    return dict(zip(lines, drivable(track, ways), strict=True))


def is_daring(name: str) -> bool:
    """Whether a course is along a border: legal, perhaps fast, but not what every author wants to pay for."""
    return name.startswith(("along", "two wheels"))


def beside(track: Track, left: float | Array) -> Array:
    """A line beside the centre line: `left` is a share of the width, the same everywhere or for each station `[S]`."""
    rows = stations(track)
    borders = rows[:, 2:4], rows[:, 4:6]
    towards_left = borders[0] - borders[1] if _is_inner_left(track) else borders[1] - borders[0]
    return every_point(rows[:, :2] + np.broadcast_to(left, len(rows))[:, None] * towards_left)


def _is_inner_left(track: Track) -> bool:
    heading = track.pose_at(0.0)[2]
    to_inner = track.inner[0] - track.center[0]
    return bool(np.cos(heading) * to_inner[1] - np.sin(heading) * to_inner[0] > 0.0)


def leaving(track: Track, share: float) -> Array:
    """The centre line up to a share of the lap, from there straight across the border."""
    at = np.linspace(0.0, track.length_m, len(stations(track)), endpoint=False)
    return beside(track, np.clip((at - share * track.length_m) / _LEAVE_M, 0.0, 2.5))
