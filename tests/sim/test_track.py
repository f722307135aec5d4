"""A track's own figures against shapely and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shapely.geometry import LinearRing, Point

from drcli.sim.catalogue import load_track
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track, project

SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], float)


def square(inset: float = 0.5) -> Track:
    """A counterclockwise square of 16 m with borders at `inset`."""
    middle = np.array([2.0, 2.0])
    grow = inset / 2.0
    return Track(
        "square", SQUARE, middle + (SQUARE - middle) * (1 - grow), middle + (SQUARE - middle) * (1 + grow)
    )


def straight() -> Track:
    x = np.linspace(1.0, 6.0, 11)
    lines = [np.column_stack([x, np.full_like(x, y)]) for y in (2.0, 2.4, 1.6)]
    return Track("straight", *lines)


@pytest.fixture(params=["drcli_harbour", "drcli_technical", "drcli_butterfly_cw"])
def track(request: pytest.FixtureRequest) -> Track:
    return load_track(request.param, None, "")


def test_figures_of_a_square() -> None:
    track = square()
    assert (track.length_m, track.is_loop, track.is_ccw, track.direction) == (16.0, True, True, "ccw")
    np.testing.assert_array_equal(track.waypoint_distances_m, [0, 4, 8, 12, 16])
    np.testing.assert_array_equal(track.ndist, [0, 0.25, 0.5, 0.75, 1])


def test_an_open_track_counts_as_counterclockwise_when_inner_is_left() -> None:
    track = straight()
    assert (track.is_loop, track.is_ccw, track.direction) == (False, True, "open")
    assert not track.reversed().is_ccw
    assert track.length_m == pytest.approx(5.0)
    assert track.width_m == pytest.approx(0.8)


def test_length_and_orientation_agree_with_shapely(track: Track) -> None:
    ring = LinearRing(track.center)
    assert track.length_m == pytest.approx(ring.length, abs=1e-12)
    assert track.is_ccw == ring.is_ccw


def test_reversed_flips_the_order_and_keeps_the_borders(track: Track) -> None:
    back = track.reversed()
    assert back.is_ccw != track.is_ccw
    np.testing.assert_array_equal(back.center, track.center[::-1])
    np.testing.assert_array_equal(back.inner, track.inner[::-1])
    np.testing.assert_array_equal(back.reversed().rows, track.rows)


@pytest.mark.parametrize(
    ("ndist", "pose"),
    [
        (0.0, (0, 0, 0)),
        (0.125, (2, 0, 0)),
        (0.25, (4, 0, math.pi / 2)),  # on a waypoint: towards the next one
        (0.9375, (0, 1, -math.pi / 2)),
        (1.0, (0, 0, 0)),
        (1.125, (2, 0, 0)),
        (-0.0625, (0, 1, -math.pi / 2)),
    ],
)
def test_pose_on_a_square(ndist: float, pose: tuple[float, float, float]) -> None:
    assert square().pose_at(ndist) == pytest.approx(pose)


def test_pose_skips_a_doubled_waypoint() -> None:
    doubled = Track.from_rows("doubled", np.insert(square().rows, 1, square().rows[1], axis=0))
    for ndist in (0.1, 0.25, 0.3):
        assert doubled.pose_at(ndist) == pytest.approx(square().pose_at(ndist))


def test_an_open_track_ends() -> None:
    assert straight().pose_at(1.0) == pytest.approx((6.0, 2.0, 0.0))
    assert straight().pose_at(1.5) == pytest.approx((6.0, 2.0, 0.0))
    assert straight().pose_at(-0.5) == pytest.approx((1.0, 2.0, 0.0))


def test_poses_agree_with_shapely(track: Track) -> None:
    ring = LinearRing(track.center)
    for ndist in np.random.default_rng(1).random(200):
        x, y, _ = track.pose_at(ndist)
        assert ring.interpolate(ndist, normalized=True).distance(Point(x, y)) < 1e-9


def test_lanes_lie_halfway_to_the_borders(track: Track) -> None:
    for lane, border in ((INNER_LANE, track.inner), (OUTER_LANE, track.outer)):
        line = LinearRing((track.center + border) / 2)
        for ndist in np.random.default_rng(2).random(50):
            x, y, heading = track.lane_pose_at(ndist, lane)
            center = Point(track.pose_at(ndist)[:2])
            foot = line.interpolate(line.project(center))
            assert foot.distance(Point(x, y)) < 1e-9
            assert center.distance(Point(x, y)) == pytest.approx(track.width_m / 4, abs=0.02)
            assert math.cos(heading - track.pose_at(ndist)[2]) > 0.9


def test_project_reaches_ends_and_empty_segments() -> None:
    line = np.array([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0]])
    feet, gaps = project(np.array([[1.0, 1.0], [5.0, 4.0]]), line)
    np.testing.assert_allclose(feet[0], [[0, 0], [1, 0]])
    np.testing.assert_allclose(gaps, [[math.sqrt(2), 1.0], [math.hypot(5, 4), 5.0]])
