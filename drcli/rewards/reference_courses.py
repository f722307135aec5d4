"""Reference laps: good and bad ways to drive a track, from the racing line to leaving the road half way.

They are driven by pure pursuit, not by a model; commands are continuous, up to the model's highest speed. Objects are
passed on the other lane, except by the drives that crash into one.
"""

from __future__ import annotations

import numpy as np

from drcli.config.race_settings import RaceSettings
from drcli.rewards.dodging import ATTENTIVE, Lapse, way_of
from drcli.rewards.drives import FROM_THE_LINE, drivable, ways_on
from drcli.rewards.road_lines import beside, leaving
from drcli.rewards.standing_objects import has_objects
from drcli.sim.constants import MAX_SPEED_MPS
from drcli.sim.pursuit import Course
from drcli.sim.racing_line import smooth_line, stations
from drcli.sim.track import Array, Track

SLOWEST_MPS = 0.5
_LATERAL_MPS2 = (6.5, 5.0, 3.5, 2.0)  # in bends; the fastest that stays on the road is taken
_SHORTNESS, _MARGIN_M = 0.1, 0.17
_WEAVE_M, _WEAVE = 2.5, 0.28  # length of a weave, and how far to both sides, as a share of the width
_NEAR_BORDER, _ON_BORDER = 0.36, 0.5  # share of the width beside the centre line
_LEAVES = {
    "leaves the road half way": Lapse(50.0, aims=False),
    "leaves the road early": Lapse(15.0, aims=False),
}
_CRASHES = {
    "crashes into an object half way": Lapse(50.0, aims=True),
    "crashes into an object early": Lapse(0.0, aims=True),
}


def reference_courses(
    track: Track, max_speed_mps: float, race: RaceSettings = FROM_THE_LINE
) -> dict[str, Course]:
    """The courses by name; the fastest way first, failures last."""
    way = way_of(track, race)
    top = min(max(max_speed_mps, SLOWEST_MPS), MAX_SPEED_MPS)
    speeds = sorted(
        {max(round(top * share, 2), SLOWEST_MPS) for share in (1.0, 0.75, 0.5, 0.25)}, reverse=True
    )
    brisk = speeds[min(1, len(speeds) - 1)]
    lines: dict[str, tuple[Array, float]] = {}
    if track.is_loop:
        racing = smooth_line(way, _SHORTNESS, _MARGIN_M)
        lines |= {f"racing line, {speed:g} m/s": (racing, speed) for speed in speeds[:3]}
    center = beside(way, 0.0)
    lines |= {f"centre line, {speed:g} m/s": (center, speed) for speed in speeds}
    count = len(stations(way))
    weaves = np.sin(np.linspace(0.0, 2.0 * np.pi * round(track.length_m / _WEAVE_M), count, endpoint=False))
    lines |= {
        f"weaving, {brisk:g} m/s": (beside(way, _WEAVE * weaves), brisk),
        f"along the left border, {brisk:g} m/s": (beside(way, _NEAR_BORDER), brisk),
        f"along the right border, {brisk:g} m/s": (beside(way, -_NEAR_BORDER), brisk),
        f"two wheels off the road, {brisk:g} m/s": (beside(way, _ON_BORDER), brisk),
    }
    for name, lapse in _LEAVES.items():
        lines[f"{name}, {top:g} m/s"] = leaving(way, lapse.from_pct / 100.0), top
    if has_objects(track, race):
        lines |= {f"{name}, {brisk:g} m/s": (center, brisk) for name in _CRASHES}
    ways = [ways_on(line, speed, _LATERAL_MPS2) for line, speed in lines.values()]
    return dict(zip(lines, drivable(track, ways, race), strict=True))


def is_daring(name: str) -> bool:
    """Whether a course is along a border: legal, perhaps fast, but not what every author wants to pay for."""
    return name.startswith(("along", "two wheels"))


def lapse_of(name: str) -> Lapse:
    """Where the driver of a course no longer minds objects."""
    return {**_LEAVES, **_CRASHES}.get(name.partition(",")[0], ATTENTIVE)
