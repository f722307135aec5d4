"""Our track format: shapes in closed form, the tracks we ship, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import LinearRing, Polygon

from drcli import paths
from drcli.errors import DrError
from drcli.sim.track_file import read_track

SHIPPED = sorted((paths.defaults_dir() / "tracks").glob("*.yaml"))
LEFT = "{left_deg: 90, radius_m: 1}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def chain(*pieces: str, width: str = "1.0", more: str = "") -> str:
    return f"width_m: {width}\n{more}\npath:\n" + "\n".join(f"  - {piece}" for piece in pieces)


def stadium(straight: float, second: float | None = None) -> str:
    turn = "{left_deg: 180, radius_m: 1}"
    return chain(f"{{straight_m: {straight}}}", turn, f"{{straight_m: {second or straight}}}", turn)


def test_a_stadium_in_closed_form(tmp_path: Path) -> None:
    track = read_track(written(tmp_path, stadium(3.0)))
    assert track.name == "mine"
    assert track.is_loop and track.is_ccw
    assert track.length_m == pytest.approx(6 + 2 * math.pi, rel=2e-3)
    assert Polygon(track.outer, [track.inner]).area == pytest.approx((6 + 2 * math.pi) * 1.0, rel=1e-2)
    steps = np.hypot(*np.diff(track.center, axis=0).T)
    assert steps.min() > 0.145 and steps.max() < 0.155
    np.testing.assert_allclose(track.center.max(axis=0), [4.0, 2.0], atol=0.01)


def test_start_moves_and_turns_the_whole_track(tmp_path: Path) -> None:
    text = stadium(3.0) + "\nstart: {x_m: 10, y_m: -2, heading_deg: 90}"
    track = read_track(written(tmp_path, text))
    assert track.pose_at(0.0) == pytest.approx((10.0, -2.0, math.pi / 2), abs=1e-6)
    assert track.length_m == pytest.approx(read_track(written(tmp_path, stadium(3.0))).length_m)


def test_right_turns_make_a_clockwise_track_with_inner_inside(tmp_path: Path) -> None:
    track = read_track(written(tmp_path, stadium(3.0).replace("left", "right")))
    assert not track.is_ccw
    assert Polygon(track.outer).contains(LinearRing(track.inner))


def test_a_small_gap_is_closed_by_stretching_both_straights(tmp_path: Path) -> None:
    track = read_track(written(tmp_path, stadium(3.0, 3.4)))
    assert track.length_m == pytest.approx(6.4 + 2 * math.pi, rel=2e-3)
    assert np.hypot(*np.diff(track.center, axis=0).T).max() < 0.155


def test_points_become_a_smooth_closed_curve(tmp_path: Path) -> None:
    angles = np.arange(0, 360, 30)
    points = [
        f"  - [{2 * math.cos(math.radians(a)):.6f}, {2 * math.sin(math.radians(a)):.6f}]" for a in angles
    ]
    track = read_track(written(tmp_path, "width_m: 0.8\nspacing_m: 0.1\npoints:\n" + "\n".join(points)))
    radius = np.hypot(*track.center.T)
    np.testing.assert_allclose(radius, 2.0, atol=2e-3)
    np.testing.assert_allclose(np.hypot(*track.inner.T), 1.6, atol=4e-3)
    assert track.pose_at(0.0) == pytest.approx((2.0, 0.0, math.pi / 2), abs=0.04)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_tracks_we_ship_are_roads(path: Path) -> None:
    track = read_track(path)
    inner, outer = LinearRing(track.inner), LinearRing(track.outer)
    assert inner.is_simple and outer.is_simple
    assert Polygon(outer).contains(inner)
    assert Polygon(outer, [inner]).contains(LinearRing(track.center))
    steps = np.diff(track.center, axis=0)
    spacing = np.hypot(*steps.T)
    assert spacing.min() > 0.1 and spacing.max() < 0.3
    turn = np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    assert (spacing[1:] / np.abs(turn).clip(1e-9)).min() > max(0.6, 1.05 * track.width_m / 2)
    assert track.rows.shape[1] == 6 and track.is_loop


def test_we_ship_the_kinds_of_track_we_promise() -> None:
    tracks = {path.stem: read_track(path) for path in SHIPPED}
    assert len(tracks) >= 6
    assert 18 < tracks["drcli_harbour"].length_m < 24
    assert 50 < tracks["drcli_grand"].length_m < 60
    assert tracks["drcli_wide"].width_m == pytest.approx(1.4, abs=0.01)
    assert tracks["drcli_narrow"].width_m == pytest.approx(0.6, abs=0.01)
    wings = tracks["drcli_butterfly"].center * [-1, 1]  # seen in a mirror: driven the other way
    np.testing.assert_allclose(wings, tracks["drcli_butterfly"].center[::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("width_m: 1\npath: [", "mine.yaml:2: "),
        ("- 1", "not a mapping"),
        (chain(LEFT, width="wide"), "width_m: 'wide' is not a number from 0.3 to 5"),
        ("path: []", "width_m: None is not a number"),
        ("width_m: 1", "path: give either path"),
        ("width_m: 1\npath: []\npoints: []", "path: give either path"),
        ("width_m: 1\npath: []", "path: must be a list of straights and arcs"),
        (chain(LEFT, more="colour: red"), "colour: unknown key"),
        (chain("7"), "path[0]: 7 is neither"),
        (chain(LEFT, "{straight_m: 0}"), "path[1].straight_m: 0 is not a number from 0.01"),
        (chain("{left_deg: 90}"), "path[0]: must be {straight_m}"),
        (
            chain("{left_deg: 90, radius_m: 0.5}"),
            "path[0].radius_m: 0.5 is not more than half the width (0.5)",
        ),
        (chain(LEFT, LEFT, LEFT), "path: turns 270 degrees in total"),
        (stadium(3.0, 4.5), "the end is 1.500 m from the start (-1.500, +0.000)"),
        (
            chain(LEFT, LEFT, LEFT, "{left_deg: 90, radius_m: 1.2}"),
            "path: does not close",
        ),  # nothing to stretch
        (stadium(3.0) + "\nstart: {x: 1}", "start: must contain only x_m, y_m and heading_deg"),
        (stadium(3.0) + "\nstart: {x_m: here}", "start.x_m: 'here' is not a number"),
        ("width_m: 1\npoints: [[0, 0], [1, 0]]", "points: must be a list of at least four"),
        ("width_m: 1\npoints: [[0, 0], [1, 0], [1, 1], [0]]", "points[3]: [0] is not [x, y]"),
        ("width_m: 1\npoints: [[0, 0], [1, 0], [1, 0], [0, 1]]", "points[1]: the same point twice in a row"),
        (
            "width_m: 1\npoints: [[0, 0], [3, 0], [6, 0], [6, 0.8], [3, 0.8], [0, 0.8]]",
            "points: the road overlaps itself near x",
        ),
        ("width_m: 1\npoints: [[0, 0], [6, 6], [6, 0], [0, 6]]", "points: the road overlaps itself near x"),
    ],
)
def test_a_broken_file_is_refused_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DrError) as caught:
        read_track(written(tmp_path, text))
    assert says in caught.value.message
    assert "mine.yaml" in caught.value.message and caught.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"none\.yaml: cannot be read"):
        read_track(tmp_path / "none.yaml")
