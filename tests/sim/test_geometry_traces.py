"""Our geometry against the columns that three real jobs recorded, step by step (figures: docs/tracks.md).

X and Y of a trace are the car's nose. A training episode starts 5 % farther than the one before, an
evaluation at 0; after 100 % the next lap begins with a previous progress of 0.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import LinearRing

from drcli.sim.catalogue import read_route
from drcli.sim.geometry import RoadPosition, locate, on_road, progress_percent, road_of
from drcli.sim.track import Array, Track

SHARED = Path(__file__).resolve().parents[3] / "shared"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (SHARED / "traces").is_dir(), reason="no recorded jobs (../shared/traces) here"),
]
# (job, phase) → world and number of steps. The 2020 model was evaluated on another track.
JOBS = {
    ("console-2020-reInvent2019_track", "training"): ("reInvent2019_track", 46_446),
    ("console-2020-reInvent2019_track", "evaluation"): ("Belille", 3_175),
    ("drfc-2022-reinvent_base", "training"): ("reinvent_base", 39_392),
    ("drfc-2022-reinvent_base", "evaluation"): ("reinvent_base", 1_911),
    ("droa-2026-reinvent_base", "training"): ("reinvent_base", 30_806),
}
NOSE_M = 0.14  # ahead of the car's origin
# Wheel centres from the origin (facts of the car's URDF): rear, then front.
WHEELS = np.array([[-0.081663, 0.08105], [-0.081663, -0.08105], [0.082311, 0.079601], [0.082311, -0.079601]])


@dataclass
class Steps:
    """All steps of one phase of a job, in order, and where our geometry puts them."""

    track: Track
    start_ndist: Array
    is_first: Array
    x: Array
    y: Array
    yaw_rad: Array
    columns: dict[str, list[str]]
    positions: RoadPosition  # arrays


def rows_of(job: str, phase: str) -> Iterator[tuple[float, bool, dict[str, str]]]:
    """Start of the lap, whether it is the first step of an episode, the row."""
    with tarfile.open(SHARED / "traces" / f"{job}.tar.gz") as archive:
        for member in archive:
            if f"{phase}-simtrace/" not in member.name or not member.name.endswith(".csv"):
                continue
            content = archive.extractfile(member)
            assert content
            rows = csv.DictReader(io.StringIO(content.read().decode()))
            for episode, steps in groupby(rows, key=lambda row: int(row["episode"])):
                start = episode * 0.05 % 1.0 if phase == "training" else 0.0
                for number, row in enumerate(steps):
                    yield start, number == 0, row


@pytest.fixture(scope="module", params=list(JOBS), ids=lambda job: "-".join(job))
def steps(request: pytest.FixtureRequest) -> Steps:
    world, count = JOBS[request.param]
    starts, firsts, rows = zip(*rows_of(*request.param), strict=True)
    assert len(rows) == count
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    x, y, yaw = (np.array(columns[name], float) for name in ("X", "Y", "yaw"))
    track = read_route(SHARED / "tracks" / f"{world}.npy")
    road = road_of(track)
    found = [locate(road, nose_x, nose_y, False) for nose_x, nose_y in zip(x, y, strict=True)]
    positions = RoadPosition(*map(np.array, zip(*found, strict=True)))
    return Steps(track, np.array(starts), np.array(firsts), x, y, np.radians(yaw), columns, positions)


def test_track_length(steps: Steps) -> None:
    assert set(map(float, steps.columns["track_len"])) == {steps.track.length_m}


def test_progress(steps: Steps) -> None:
    ours, previous = np.zeros((2, len(steps.x)))
    before = 0.0
    for i, ndist in enumerate(steps.positions.ndist):
        before = 0.0 if steps.is_first[i] or before >= 100.0 else before
        previous[i] = before
        before = ours[i] = progress_percent(ndist, steps.start_ndist[i], before)
    recorded = np.array(steps.columns["progress"], float)
    assert np.abs(ours - recorded).max() < 1e-11
    assert np.median(np.abs(ours - recorded)) < 2e-12
    assert (previous > 0.0).mean() > 0.9 and (recorded == 100.0).any()


def test_closest_waypoint(steps: Steps) -> None:
    """Of the waypoints before and behind, the one nearer to the nose: equal on every step."""
    gap = [
        np.hypot(*(steps.track.center[number] - np.column_stack([steps.x, steps.y])).T)
        for number in (steps.positions.prev_waypoint, steps.positions.next_waypoint)
    ]
    ours = np.where(gap[0] < gap[1], steps.positions.prev_waypoint, steps.positions.next_waypoint)
    np.testing.assert_array_equal(ours, np.array(steps.columns["closest_waypoint"], int))


def test_all_wheels_on_track(steps: Steps) -> None:
    """A real car rolls a little: where a step differs, a wheel is within millimetres of a border.

    The first row of an episode is left out: some still have the wheels of the episode before.
    """
    forward, left = (WHEELS - [NOSE_M, 0.0]).T
    cos, sin = np.cos(steps.yaw_rad)[:, None], np.sin(steps.yaw_rad)[:, None]
    x = steps.x[:, None] + forward * cos - left * sin
    y = steps.y[:, None] + forward * sin + left * cos
    road = road_of(steps.track)
    on = np.array([on_road(road, *wheel) for wheel in zip(x.flat, y.flat, strict=True)]).reshape(x.shape)
    recorded = np.array(steps.columns["all_wheels_on_track"]) == "True"
    different = (on.all(axis=1) != recorded) & ~steps.is_first
    assert different.mean() < 5e-4
    assert 0.01 < (~recorded).mean() < 0.5
    borders = [LinearRing(steps.track.inner), LinearRing(steps.track.outer)]
    wheels = shapely.points(x[different], y[different])
    gap = np.minimum(*(shapely.distance(border, wheels) for border in borders)).min(axis=1, initial=1.0)
    assert (gap < 0.007).all()
