"""The kernels against shapely (GEOS, as in simapp), a search over all segments, and closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from shapely.geometry import LinearRing, LineString, Polygon

from drcli.sim import geometry
from drcli.sim.catalogue import load_track, read_route
from drcli.sim.geometry import Road, RoadPosition, locate, on_road, road_of
from drcli.sim.track import Array, Track

ROUTES = Path(__file__).resolve().parents[3] / "shared" / "tracks"
OURS = ["drcli_oval", "drcli_harbour", "drcli_technical", "drcli_grand", "drcli_narrow", "drcli_butterfly_cw"]
# A doubled waypoint, clockwise ones, coarse waypoints, an open one, a narrow one.
COMMUNITY = ["reInvent2019_track", "Albert", "Monaco", "hamption_pro", "Straight_track", "AWS_track"]


@pytest.fixture(
    scope="module", params=OURS + [pytest.param(name, marks=pytest.mark.shared) for name in COMMUNITY]
)
def track(request: pytest.FixtureRequest) -> Track:
    if request.param in OURS:
        return load_track(request.param, None, "")
    if not ROUTES.is_dir():
        pytest.skip("the community's routes (../shared/tracks) are not here")
    return read_route(ROUTES / f"{request.param}.npy")


@pytest.fixture(scope="module")
def road(track: Track) -> Road:
    return road_of(track)


@pytest.fixture(scope="module")
def oval() -> Road:
    """Straights along y = 0 (driven to the right) and y = 3; 1 m wide; x from -2 to 2."""
    return road_of(load_track("drcli_oval", None, ""))


def points(track: Track, count: int = 2000) -> Array:
    """`[count, 2]`: near the road, in the bounding box, far away."""
    rng = np.random.default_rng(3)
    near = track.center[rng.integers(len(track.center), size=count // 2)] + rng.normal(
        0, 0.4, (count // 2, 2)
    )
    low, high = track.outer.min(axis=0), track.outer.max(axis=0)
    box = rng.uniform(low, high, (count // 4, 2))
    return np.concatenate([near, box, rng.uniform(low - 40, high + 40, (count - len(near) - len(box), 2))])


def positions_of(road: Road, xy: Array, is_reversed: bool = False) -> RoadPosition:
    """Of many points: every field is an array."""
    found = [locate(road, x, y, is_reversed) for x, y in xy]
    return RoadPosition(*map(np.array, zip(*found, strict=True)))


def are_on_road(road: Road, xy: Array) -> npt.NDArray[np.bool_]:
    return np.array([on_road(road, x, y) for x, y in xy])


def line(points: Array, is_loop: bool) -> LineString:
    return LinearRing(points) if is_loop else LineString(points)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_positions_agree_with_shapely(track: Track, road: Road, is_reversed: bool) -> None:
    way = track.reversed() if is_reversed else track
    xy = points(track)
    found = positions_of(road, xy, is_reversed)
    center, inner, outer = (line(rows, track.is_loop) for rows in (way.center, way.inner, way.outer))
    where = shapely.points(xy)
    ndist = center.project(where, normalized=True)
    apart = np.abs(found.ndist - ndist)
    if track.is_loop:
        apart = np.minimum(apart, 1.0 - apart)
    assert apart.max() < 1e-9
    np.testing.assert_allclose(found.distance_from_center_m, center.distance(where), atol=1e-9)

    foot = center.interpolate(ndist, normalized=True)
    inside, outside = (border.interpolate(border.project(foot)) for border in (inner, outer))
    np.testing.assert_allclose(found.track_width_m, shapely.distance(inside, outside), atol=1e-9)
    to_inner, to_outer = shapely.distance(inside, where), shapely.distance(outside, where)
    clear = np.abs(to_inner - to_outer) > 1e-9
    expected = (to_inner < to_outer) ^ (not way.is_ccw)
    np.testing.assert_array_equal(found.is_left_of_center[clear], expected[clear])

    # bisect_right over the waypoints; where the foot is a waypoint GEOS rounds either way.
    after = np.searchsorted(way.ndist, ndist, side="right")
    clear = np.abs(way.ndist - ndist[:, None]).min(axis=1) > 1e-9
    np.testing.assert_array_equal(found.prev_waypoint[clear], after[clear] - 1)
    np.testing.assert_array_equal(found.next_waypoint[clear], after[clear] % len(way.center))
    step = way.center[after[clear]] - way.center[after[clear] - 1]
    np.testing.assert_allclose(found.heading_rad[clear], np.arctan2(step[:, 1], step[:, 0]), atol=1e-12)


def test_the_index_changes_nothing(track: Track, road: Road) -> None:
    """Bit by bit what a search over all segments finds."""

    def everything(near: geometry.Candidates, segments: int) -> geometry.Candidates:
        return geometry._candidates(np.ones((len(near.first) - 1, segments), np.bool_))

    slow = road._replace(
        near_cell=everything(road.near_cell, len(road.center) - 1),
        inner_near=everything(road.inner_near, len(road.inner) - 1),
        outer_near=everything(road.outer_near, len(road.outer) - 1),
        border_in_row=everything(road.border_in_row, len(road.border)),
    )
    xy = np.concatenate([points(track), track.center, track.inner])
    for fast_field, slow_field in zip(positions_of(road, xy), positions_of(slow, xy), strict=True):
        np.testing.assert_array_equal(fast_field, slow_field)
    np.testing.assert_array_equal(are_on_road(road, xy), are_on_road(slow, xy))


def test_reversed_is_the_reversed_track(track: Track, road: Road) -> None:
    xy = points(track, 400)
    there, back = positions_of(road, xy, True), positions_of(road_of(track.reversed()), xy)
    np.testing.assert_allclose(there.ndist, back.ndist, atol=1e-12)
    np.testing.assert_array_equal(there.is_left_of_center, back.is_left_of_center)
    same = there.prev_waypoint == back.prev_waypoint  # else the foot is a waypoint, rounded either way
    np.testing.assert_array_equal(there.heading_rad[same], back.heading_rad[same])
    assert same.mean() > 0.5


def test_on_road_agrees_with_shapely(track: Track, road: Road) -> None:
    surface = (
        Polygon(track.outer, [track.inner])
        if track.is_loop
        else Polygon(np.concatenate([track.outer, track.inner[::-1]]))
    )
    xy = points(track, 8000)
    found = are_on_road(road, xy)
    np.testing.assert_array_equal(found, shapely.contains_xy(surface, xy))
    assert 0.1 < found.mean() < 0.9


def test_points_on_a_border_are_off(oval: Road) -> None:
    for x, y in [(0.0, 0.5), (0.0, -0.5), (1.0, -0.5), *oval.inner[:40], *oval.outer[:40]]:
        assert not on_road(oval, x, y)
    assert on_road(oval, 0.0, 0.499999) and on_road(oval, 0.0, -0.499999)


def test_nonsense_is_off_and_does_no_harm(oval: Road) -> None:
    for x, y in [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.0, -math.inf), (1e300, 1e300)]:
        assert not on_road(oval, x, y)
        locate(oval, x, y, False)


@pytest.mark.parametrize(
    ("x", "y", "is_reversed", "along_m", "gap_m", "left", "heading_rad"),
    [
        (0.7, 0.2, False, 0.7, 0.2, True, 0.0),
        (0.7, -0.3, False, 0.7, 0.3, False, 0.0),
        (0.7, 0.2, True, -0.7, 0.2, False, math.pi),
        (0.7, 3.2, False, 8 + 1.5 * math.pi - 4 - 0.7, 0.2, False, math.pi),
        (0.0, 0.0, True, 0.0, 0.0, False, math.pi),
        (0.0, 0.0, False, 0.0, 0.0, False, 0.0),
    ],
)
def test_an_oval_in_closed_form(
    oval: Road,
    x: float,
    y: float,
    is_reversed: bool,
    along_m: float,
    gap_m: float,
    left: bool,
    heading_rad: float,
) -> None:
    found = locate(oval, x, y, is_reversed)
    # Waypoints lie on the arc, 0.15 m apart: the line between them is 4 parts in 10,000 shorter.
    assert found.ndist * oval.length_m == pytest.approx(along_m % oval.length_m, abs=0.005)
    assert found.distance_from_center_m == pytest.approx(gap_m, abs=1e-9)
    assert found.track_width_m == pytest.approx(1.0, abs=1e-9)
    assert math.cos(found.heading_rad - heading_rad) == pytest.approx(1.0)
    if gap_m:
        assert found.is_left_of_center == left


def test_closest_waypoints_wrap_and_skip_doubled_ones() -> None:
    rows = load_track("drcli_oval", None, "").rows
    doubled = road_of(Track.from_rows("doubled", np.insert(rows, 5, rows[5], axis=0)))
    last = len(doubled.center) - 1

    def closest(number: int, is_reversed: bool = False) -> tuple[int, int]:
        found = locate(doubled, *doubled.center[number], is_reversed)
        return found.prev_waypoint, found.next_waypoint

    assert closest(0) == (0, 1)
    assert closest(last) == (0, 1)
    assert closest(0, True) == (0, 1)
    assert closest(5) == closest(6) == (6, 7)
    assert closest(5, True) == closest(6, True) == (last - 5, last - 4)
    assert closest(last - 1) == (last - 1, last)


def test_an_open_road_ends() -> None:
    x = np.linspace(0.0, 5.0, 11)
    road = road_of(Track("straight", *(np.column_stack([x, np.full_like(x, y)]) for y in (0.0, 0.4, -0.4))))
    beyond = locate(road, 7.0, 0.1, False)
    assert (beyond.ndist, beyond.prev_waypoint, beyond.next_waypoint) == (1.0, 10, 0)
    assert (beyond.heading_rad, beyond.is_left_of_center) == (0.0, True)
    assert locate(road, 7.0, 0.1, True).ndist == 0.0
    assert on_road(road, 4.9, 0.1) and not on_road(road, 5.1, 0.1) and not on_road(road, 5.0, 0.1)


@pytest.mark.parametrize(
    ("ndist", "start", "previous", "expected"),
    [
        (0.1, 0.0, 5.0, 10.0),
        (0.1, 0.6, 45.0, 50.0),  # over the start line of the track
        (0.59, 0.6, 98.0, 99.0),
        (0.61, 0.6, 99.0, 100.0),  # 101, but a lap ends at 100
        (0.59, 0.6, 0.0, -1.0),  # rolled back behind the start
        (0.6, 0.6, 0.0, 0.0),
        (0.6, 0.6, 99.0, 100.0),
    ],
)
def test_progress(ndist: float, start: float, previous: float, expected: float) -> None:
    assert geometry.progress_percent(ndist, start, previous) == pytest.approx(expected)
    assert geometry.progress_percent.py_func(ndist, start, previous) == pytest.approx(expected)


def test_compiled_and_plain_python_agree(oval: Road) -> None:
    rng = np.random.default_rng(5)
    for x, y in rng.uniform(-4, 4, (30, 2)):
        assert locate(oval, x, y, True) == pytest.approx(locate.py_func(oval, x, y, True), abs=1e-12)
        assert on_road(oval, x, y) == on_road.py_func(oval, x, y)
