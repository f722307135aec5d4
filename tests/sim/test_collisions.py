"""Rectangles that touch: hand-made cases, and shapely as the judge of random ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shapely import Point, Polygon
from shapely.affinity import rotate, translate

from drcli.sim.boxes import new_boxes
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.races.collisions import find_hits, has_hit, is_clear, seen_from
from drcli.sim.races.object_kinds import CAR_LENGTH_M, CAR_WIDTH_M, OBSTACLES, car_of
from drcli.sim.races.placement import check_room, most_objects, spread_places
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track

BOX = 0.5, 0.4


def rectangle(pose: tuple[float, float, float], length_m: float, width_m: float) -> Polygon:
    x, y, heading = pose
    corners = [(length_m / 2 * a, width_m / 2 * b) for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    return translate(rotate(Polygon(corners), heading, origin=(0, 0), use_radians=True), x, y)


@pytest.mark.parametrize(
    ("car", "expected"),
    [
        ((-0.25 - CAR_LENGTH_M / 2 + 0.001, 0.0, 0.0), True),
        ((-0.25 - CAR_LENGTH_M / 2 - 0.001, 0.0, 0.0), False),
        ((0.0, 0.2 + CAR_WIDTH_M / 2 - 0.001, 0.0), True),
        ((0.0, 0.2 + CAR_WIDTH_M / 2 + 0.001, math.pi), False),
        ((0.0, -0.2 - CAR_LENGTH_M / 2 + 0.001, math.pi / 2), True),
        ((0.0, 0.0, 0.3), True),
    ],
)
def test_a_corner_inside_is_a_hit(car: tuple[float, float, float], expected: bool) -> None:
    """A box is 0.5 m along its heading by 0.4 m, whatever its mesh."""
    assert has_hit(car, (0.0, 0.0, 0.0), *BOX) is expected
    turned = 1.1
    cos, sin = math.cos(turned), math.sin(turned)
    moved = car[0] * cos - car[1] * sin + 5.0, car[0] * sin + car[1] * cos - 3.0, car[2] + turned
    assert has_hit(moved, (5.0, -3.0, turned), *BOX) is expected


def test_random_pairs_are_judged_as_shapely_does() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        car = *rng.uniform(-0.6, 0.6, 2), rng.uniform(-4.0, 4.0)
        other = *rng.uniform(-0.2, 0.2, 2), rng.uniform(-4.0, 4.0)
        ours, theirs = rectangle(car, CAR_LENGTH_M, CAR_WIDTH_M), rectangle(other, *BOX)
        corners = ours.exterior.coords[:4]
        assert has_hit(car, other, *BOX) == any(theirs.contains(Point(corner)) for corner in corners)
        assert is_clear(car, other, *BOX, 0.0) == (not ours.intersects(theirs))
        if is_clear(car, other, *BOX, 0.1):
            assert ours.distance(theirs) > 0.1 - 1e-9


def test_hits_are_found_for_every_car_in_its_own_world() -> None:
    boxes, cars = new_boxes(2, 3), new_cars(2)
    put(cars, 0, 0.0, 0.0, 0.0)
    put(cars, 1, 5.0, 0.0, math.pi)
    boxes.x_m[:, 0], boxes.y_m[:, 0], boxes.heading_rad[:, 0] = 0.2, 0.0, 0.0
    boxes.x_m[:, 1], boxes.y_m[:, 1], boxes.heading_rad[:, 1] = 5.1, 0.0, 0.0  # the third one is not placed
    hits, ahead_m = np.zeros((2, 3), np.bool_), np.zeros((2, 3))
    find_hits(cars, boxes, BOX, hits, ahead_m)
    assert hits.tolist() == [[True, False, False], [False, True, False]]
    assert ahead_m == pytest.approx(np.array([[-0.2, 0.0, 0.0], [0.0, -0.1, 0.0]]))
    python_hits = np.zeros((2, 3), np.bool_)
    find_hits.py_func(cars, boxes, BOX, python_hits, ahead_m)
    assert (python_hits == hits).all()
    assert seen_from((1.0, 0.0, math.pi / 2), 1.0, 2.0) == pytest.approx((2.0, 0.0))


def test_what_is_hit_is_simapps_rectangle_and_what_is_seen_the_mesh() -> None:
    assert {(kind.hit_length_m, kind.hit_width_m) for kind in OBSTACLES.values()} == {BOX}
    assert OBSTACLES["box_obstacle"][:3] == (0.4, 0.3, 0.25)
    assert OBSTACLES["deepracer_box"][:3] == (0.36, 0.265, 0.24)
    car = car_of("Red")
    assert (car.hit_length_m, car.hit_width_m, car.is_car) == (0.32352, 0.1961, True)


# Places


def test_places_are_even_and_alternate_from_the_inner_lane() -> None:
    places = spread_places(20.0, 4, 2.0)
    assert places.along_m == pytest.approx([2.0, 2 + 17 / 3, 2 + 34 / 3, 19.0])
    assert places.lane.tolist() == [INNER_LANE, OUTER_LANE, INNER_LANE, OUTER_LANE]
    assert spread_places(20.0, 1, 2.0).along_m.tolist() == [2.0]
    assert spread_places(20.0, 0, 2.0).along_m.size == 0


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_random_places_keep_their_distance_all_round(count: int) -> None:
    rng = np.random.default_rng(count)
    every = [spread_places(20.0, count, 2.0, rng) for _ in range(200)]
    along = np.array([places.along_m for places in every])
    assert (along >= 0.0).all() and (along < 20.0).all()
    if count > 1:
        gaps = np.diff(np.column_stack([along, along[:, 0] + 20.0]))
        assert gaps.min() >= 2.0 - 1e-9
        assert count == 9 or along.std(axis=0).max() > 0.2
    else:
        assert along.std() > 3.0
    assert {lane for places in every for lane in places.lane.tolist()} == {INNER_LANE, OUTER_LANE}


def test_how_many_fit(ring: Track) -> None:
    assert most_objects(20.0, 2.0) == 9
    assert most_objects(20.0, 0.0) == 39, "they never stand closer than they are long"
    assert most_objects(2.5, 2.0) == 0
    most = most_objects(ring.length_m, 2.0)
    check_room(ring, most, 2.0, ("COUNT", "DISTANCE"))
    with pytest.raises(
        Exception, match=rf"COUNT: {most + 1}, but ring \(12\.6 m\) has room for {most}, with DISTANCE"
    ):
        check_room(ring, most + 1, 2.0, ("COUNT", "DISTANCE"))
