"""Every key of the reward function's params, in situations computed by hand on a track of squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.geometry import road_of
from drcli.sim.constants import IMMOBILE_STEPS, NOSE_M
from drcli.sim.reading import Action, Reading, facts_of, reward_params, start_reading
from drcli.sim.telemetry_kernel import RaceState, new_race, new_readings, sense
from drcli.sim.track import Track

# The block: centre line 6 m x 4 m from (0, 0) to the right, so 20 m long; borders half a metre to each side.
EAST, NORTH, WEST = 0.0, math.pi / 2, math.pi


def read(track: Track, *poses: tuple[float, float, float], race: RaceState | None = None) -> list[Reading]:
    """Readings of cars whose noses are at the given x, y, heading."""
    cars, readings = new_cars(len(poses)), new_readings(len(poses))
    for k, (x, y, heading) in enumerate(poses):
        put(cars, k, x - NOSE_M * math.cos(heading), y - NOSE_M * math.sin(heading), heading)
    seen = np.ones(len(poses), np.bool_)
    sense(road_of(track), cars, race or new_race(len(poses)), 15, seen, True, readings)
    return readings.of_all()


def reversed_race(count: int = 1) -> RaceState:
    race = new_race(count)
    race.is_reversed[:] = True
    return race


def params_at(track: Track, x: float, y: float, heading: float, reverse: bool = False) -> dict[str, Any]:
    reading = read(track, (x, y, heading), race=reversed_race() if reverse else None)[0]
    action = Action(steering_deg=-45.0, speed_mps=5.5, label=3)
    return reward_params(reading, action, facts_of(track, reverse), steps=7, time_s=12.5)


def test_on_the_first_straight_every_key(block: Track) -> None:
    params = params_at(block, 2.25, 0.125, EAST)
    waypoints = params.pop("waypoints")
    assert params == {
        "all_wheels_on_track": True,
        "x": pytest.approx(2.25),
        "y": pytest.approx(0.125),
        "heading": 0.0,
        "distance_from_center": pytest.approx(0.125),
        "projection_distance": pytest.approx(2.25),
        "progress": pytest.approx(100 * 2.25 / 20),
        "steps": 7.0,
        "speed": 5.5,
        "steering_angle": -45.0,
        "track_width": pytest.approx(1.0),
        "track_length": pytest.approx(20.0),
        "closest_waypoints": [2, 3],
        "is_left_of_center": True,
        "is_reversed": False,
        "is_crashed": False,
        "is_offtrack": False,
        "closest_objects": [0, 0],
        "objects_location": [],
        "objects_left_of_center": [],
        "objects_speed": [],
        "objects_heading": [],
        "objects_distance_from_center": [],
        "objects_distance": [],
        "object_in_camera": False,
        "sim_time": 12.5,
    }
    assert len(waypoints) == 21
    assert waypoints[0] == waypoints[-1] == (0.0, 0.0)
    assert waypoints[:3] == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]


def test_types_are_those_of_simapp(block: Track) -> None:
    params = params_at(block, 2.25, 0.125, EAST)
    kinds = {key: type(value) for key, value in params.items()}
    floats = "x y heading distance_from_center projection_distance progress steps speed steering_angle"
    for key in (*floats.split(), "track_width", "track_length", "sim_time"):
        assert kinds[key] is float, key
    for key in ("all_wheels_on_track", "is_left_of_center", "is_reversed", "is_crashed", "is_offtrack"):
        assert kinds[key] is bool, key
    assert kinds["waypoints"] is list
    assert all(type(point) is tuple for point in params["waypoints"])
    assert [type(index) for index in params["closest_waypoints"]] == [int, int]


def test_driven_the_other_way_the_track_is_mirrored(block: Track) -> None:
    params = params_at(block, 2.25, 0.125, WEST, reverse=True)
    assert params["is_reversed"] is True
    assert params["projection_distance"] == pytest.approx(20.0 - 2.25)
    assert params["closest_waypoints"] == [17, 18]
    assert params["waypoints"][17:19] == [(3.0, 0.0), (2.0, 0.0)]
    assert params["is_left_of_center"] is False
    assert params["heading"] == pytest.approx(180.0)
    assert params["progress"] == pytest.approx(100 * (20.0 - 2.25) / 20 - 100)


def test_the_dict_is_fresh_and_the_callers_own(block: Track) -> None:
    first = params_at(block, 2.0, 0.0, EAST)
    first["waypoints"].clear()
    first["closest_objects"].append(9)
    assert len(params_at(block, 2.0, 0.0, EAST)["waypoints"]) == 21

    facts, reading = facts_of(block, False), read(block, (2.0, 0.0, EAST))[0]
    one, two = (reward_params(reading, Action(0.0, 1.0, 0), facts, 2, 0.0) for _ in range(2))
    assert one == two
    shared = [key for key in one if isinstance(one[key], list) and one[key] is two[key]]
    assert not shared


@pytest.mark.parametrize(
    ("heading_rad", "degrees"),
    [(0.5, 28.6479), (-0.5, -28.6479), (3.0 * math.pi, 180.0), (math.pi + 0.1, -174.2704), (20.0, 65.9156)],
)
def test_heading_is_in_degrees_from_minus_180_to_180(
    block: Track, heading_rad: float, degrees: float
) -> None:
    assert read(block, (3.0, 0.0, heading_rad))[0].heading_deg == pytest.approx(degrees, abs=1e-3)


def test_x_and_y_are_the_nose(block: Track) -> None:
    cars, readings = new_cars(1), new_readings(1)
    put(cars, 0, 6.0, 1.0, NORTH)
    sense(road_of(block), cars, new_race(1), 15, np.ones(1, np.bool_), True, readings)
    assert readings.of(0)[:2] == pytest.approx((6.0, 1.0 + 0.14))
    assert readings.of(0).projection_distance_m == pytest.approx(7.14)


def test_left_and_right_follow_the_driving_direction(block: Track) -> None:
    infield, outfield = (3.0, 0.2, EAST), (3.0, -0.2, EAST)
    assert [reading.is_left_of_center for reading in read(block, infield, outfield)] == [1, 0]
    other_way = read(block, infield, outfield, race=reversed_race(2))
    assert [reading.is_left_of_center for reading in other_way] == [0, 1]
    clockwise = read(block.reversed(), infield, outfield)
    assert [reading.is_left_of_center for reading in clockwise] == [0, 1]


def test_closest_waypoints_surround_the_nose_and_the_nearer_is_on_record(block: Track) -> None:
    spots = [(0.3, 0.0, EAST), (0.7, 0.0, EAST), (6.0, 0.6, NORTH), (0.0, 0.4, -NORTH), (0.0, 0.6, -NORTH)]
    found = [(at.prev_waypoint, at.next_waypoint, at.closest_waypoint) for at in read(block, *spots)]
    assert found == [(0, 1, 0), (0, 1, 1), (6, 7, 7), (19, 20, 20), (19, 20, 19)]


@pytest.mark.parametrize(
    ("nose_y", "wheels", "all_on", "off"),
    [(0.0, 4, True, False), (0.41, 4, True, False), (0.45, 2, False, False), (0.6, 0, False, True)],
)
def test_wheels_on_the_road(block: Track, nose_y: float, wheels: int, all_on: bool, off: bool) -> None:
    """The wheels are 8 cm to each side, the border 50 cm from the centre."""
    for side in (1, -1):
        reading = read(block, (3.0, side * nose_y, EAST))[0]
        assert reading.wheels_on_road == wheels
        params = params_at(block, 3.0, side * nose_y, EAST)
        assert (params["all_wheels_on_track"], params["is_offtrack"]) == (all_on, off)


def test_across_the_road_rear_and_front_wheels_count_alone(block: Track) -> None:
    """Nose to the infield: the origin is 14 cm behind it, the axles 8 cm before and behind that."""
    found = [read(block, (3.0, y, NORTH))[0].wheels_on_road for y in (0.55, 0.6, 0.7, 0.75)]
    assert found == [4, 2, 2, 0]


def test_progress_counts_from_where_the_episode_started(block: Track) -> None:
    race = new_race(3)
    race.start_ndist[:] = 0.25
    race.previous_progress[:] = 0.0, 5.0, 99.0
    # 5 m is the start; 1 m behind it; 1 m before it at the end of a lap.
    found = read(block, (5.5, 0.0, EAST), (4.0, 0.0, EAST), (5.0 - 1e-6, 0.0, EAST), race=race)
    assert [at.progress for at in found] == pytest.approx([2.5, -5.0, 100.0], abs=1e-4)
    assert race.previous_progress == pytest.approx([2.5, -5.0, 100.0], abs=1e-4)

    crossed = read(block, (5.5, 0.0, EAST), (5.5, 0.0, EAST), (5.5, 0.0, EAST), race=race)[2]
    assert crossed.progress == 100.0, "it never exceeds 100"
    assert race.previous_progress[2] == 0.0, "the next lap begins"


def test_track_width_is_measured_through_the_centre_line(ring: Track) -> None:
    """Towards a border nothing changes: the width belongs to the point of the centre line."""
    widths = [read(ring, (radius, 0.0, NORTH))[0].track_width_m for radius in (1.7, 2.0, 2.3)]
    assert widths == pytest.approx([0.8, 0.8, 0.8], abs=1e-3)


def test_standing_still_and_driving_back_count_in_a_row(block: Track) -> None:
    race = new_race(1)
    still = [read(block, (3.0, 0.0, EAST), race=race)[0].is_immobilized for _ in range(IMMOBILE_STEPS + 2)]
    assert still.index(1) == IMMOBILE_STEPS, "the first reading has nothing to compare with"

    race = new_race(1)
    back = [read(block, (4.0 - 0.01 * i, 0.0, WEST), race=race)[0].is_driving_back for i in range(17)]
    assert back == [0] * 15 + [1, 0]
    forward = read(block, (4.0, 0.0, WEST), race=race)[0]
    assert not forward.is_driving_back
    assert race.backward_steps[0] == 0


def test_the_reading_at_the_start_needs_no_kernel(block: Track, ring: Track) -> None:
    for track in (block, ring, block.reversed(), ring.reversed()):
        x, y, heading = track.pose_at(0.0)
        cars, readings = new_cars(1), new_readings(1)
        put(cars, 0, x, y, heading)
        sense(road_of(track), cars, new_race(1), 15, np.ones(1, np.bool_), False, readings)
        assert start_reading(track) == pytest.approx(readings.of(0), abs=1e-9)
