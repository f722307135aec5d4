"""Obstacles on the road: where they stand, what a crash is, what the reward function is told, where it goes on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.errors import DrError
from drcli.sim.car_dynamics import put
from drcli.sim.constants import NOSE_M
from drcli.sim.races.object_avoidance import ObjectAvoidance
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track
from drcli.sim.world import World

CAR_LANE_M = 0.25  # of the block's lanes from its centre line


def world(track: Track, own: dict[str, Any], num_envs: int = 1, **settings: Any) -> World:
    race = RaceSettings(
        race_type="OBJECT_AVOIDANCE", own={"NUMBER_OF_OBSTACLES": "2", **own},
        **{"change_start_position": False, **settings},
    )  # fmt: skip
    made = World(track, race, num_envs, sensors=())
    made.reset()
    return made


def race_of(made: World) -> ObjectAvoidance:
    assert isinstance(made.race, ObjectAvoidance)
    return made.race


def params(made: World, k: int = 0) -> dict[str, Any]:
    every = made.race.reward_params(made.cars, made.telemetry)
    assert every is not None
    return every[k]


def stand(made: World, along_m: float, lane: int, back_m: float = 0.0) -> None:
    """Put the car on a lane, `back_m` before a place there, and measure it."""
    way = race_of(made).ways[int(made.history.is_reversed[0])]
    x, y, heading = way.lane_pose_at(along_m / way.length_m, lane)
    put(made.cars, 0, x - back_m * math.cos(heading), y - back_m * math.sin(heading), heading)
    measure(made._road, made.cars, made.history.block, 15, np.ones(1, np.bool_), True, made.telemetry.block)


def test_positions_are_shares_of_the_lap_and_lanes(block: Track) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.1,1", "0.2,-1"]})
    boxes = made.race.boxes
    assert boxes is not None
    assert boxes.x_m[0] == pytest.approx([2.0, 4.0]) and boxes.y_m[0] == pytest.approx([0.25, -0.25])
    assert (boxes.length_m[0, 0], boxes.width_m[0, 0], boxes.height_m[0, 0]) == (0.4, 0.3, 0.25)
    assert boxes.grey[0].tolist() == [102, 102] and not boxes.is_car.any()


@pytest.mark.parametrize(
    ("reverse", "locations", "is_left"),
    [(False, [(2.0, 0.25), (4.0, -0.25)], [True, False]), (True, [(0.25, 2.0), (-0.25, 4.0)], [False, True])],
)
def test_params_in_both_directions(
    block: Track, reverse: bool, locations: list[tuple[float, float]], is_left: list[bool]
) -> None:
    """The inner lane is on the left of a counterclockwise track; backwards it is on the right."""
    made = world(block, {"OBJECT_POSITIONS": ["0.1,1", "0.2,-1"]}, reverse_dir=reverse)
    told = params(made)
    assert [tuple(place) for place in told["objects_location"]] == [
        pytest.approx(place) for place in locations
    ]
    assert told["objects_left_of_center"] == is_left
    assert told["objects_distance"] == pytest.approx([2.0, 4.0])
    assert told["objects_distance_from_center"] == pytest.approx([0.25, 0.25])
    assert told["objects_speed"] == [0.0, 0.0] and told["objects_heading"] == [0.0, 0.0]
    for along_m, closest in ((1.0, [1, 0]), (3.0, [0, 1]), (5.0, [1, 0])):
        stand(made, along_m, OUTER_LANE)
        assert params(made)["closest_objects"] == closest, along_m


def test_the_list_keeps_the_order_of_the_positions(block: Track) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.2,-1", "0.1,1"]})
    stand(made, 3.0, OUTER_LANE)
    told = params(made)
    assert told["objects_distance"] == pytest.approx([4.0, 2.0])
    assert told["closest_objects"] == [1, 0], "indices of the previous and of the next one"


def test_the_next_object_is_in_the_camera_if_it_is_before_it(block: Track) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.15,1", "0.9,1"]})
    stand(made, 1.0, INNER_LANE)
    assert params(made)["object_in_camera"] is True
    made.cars.heading_rad[0] += 1.2
    assert params(made)["object_in_camera"] is False
    stand(made, 3.5, INNER_LANE)
    assert params(made)["object_in_camera"] is False, "the next one is behind two corners"


@pytest.mark.parametrize(("back_m", "status"), [(0.42, Status.IN_PROGRESS), (0.40, Status.CRASHED)])
def test_a_crash_is_a_corner_in_the_rectangle(block: Track, back_m: float, status: Status) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.15,1", "0.9,1"]})
    stand(made, 3.0, INNER_LANE, back_m)
    assert made.race.faults(made.cars, made.telemetry)[0] == status.code
    stand(made, 3.0, OUTER_LANE)
    assert made.race.faults(made.cars, made.telemetry)[0] == Status.IN_PROGRESS.code


def test_a_crash_goes_before_off_track_and_after_a_lap(block: Track) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.15,1", "0.9,1"]})
    stand(made, 3.0, INNER_LANE)
    made.telemetry.own_fault[0] = Status.OFF_TRACK.code
    faults = made.race.faults(made.cars, made.telemetry)
    assert faults[0] == Status.CRASHED.code
    progress = np.array([100.0])
    assert made.referee.judge(progress, faults, np.ones(1, np.bool_)).status[0] == Status.LAP_COMPLETE.code


def test_a_crash_is_in_params_trace_and_counts(block: Track) -> None:
    told: list[dict[str, Any]] = []

    class Source:
        def for_car(self) -> Any:
            return lambda given, now: told.append(given) or 0.5

    race = RaceSettings(
        race_type="OBJECT_AVOIDANCE", change_start_position=False, number_of_resets=1, collision_penalty_s=2.0,
        own={"NUMBER_OF_OBSTACLES": 1, "OBJECT_POSITIONS": ["0.15,1"], "RESET_BEHIND_DIST": "1.5"},
    )  # fmt: skip
    made = World(block, race, 1, sensors=(), reward=Source())
    made.reset()
    stand(made, 2.0, INNER_LANE)
    episodes: list[Any] = []
    for step in range(200):
        if step == 60:  # after the reset it would pass on the other lane: drive into it again
            stand(made, 2.0, INNER_LANE)
        episodes += made.step([[0.0, 1.0]]).episodes
        if episodes:
            break
    (episode,) = episodes
    rows = episode.rows
    crashes = [row for row in rows if row.episode_status == "crashed"]
    assert [row.obstacle_crash_counter for row in crashes] == [1, 2]
    assert [row.pause_duration for row in crashes] == [2.0, 0.0]
    assert sum(row.episode_status == "pause" for row in rows) == 30
    assert episode.laps[0].crash_count == 2 and episode.status is Status.CRASHED
    assert [step["is_crashed"] for step in told].count(True) == 2
    assert told[-1]["is_crashed"] is True


def test_after_a_crash_it_continues_before_the_obstacle_on_the_other_lane(block: Track) -> None:
    made = world(
        block,
        {"OBJECT_POSITIONS": ["0.25,1", "0.9,1"], "RESET_BEHIND_DIST": 2, "RESET_AHEAD_DIST": "1.25",
         "ENABLE_MERCY_RESET": "True", "MAX_RESETS_AFTER_CRASH": 3},
        number_of_resets=10,
    )  # fmt: skip
    places = []
    for _ in range(4):
        stand(made, 5.0, INNER_LANE, 0.3)
        made.race.faults(made.cars, made.telemetry)
        places.append(made.race.put_back(0, Status.CRASHED, made.telemetry, made.history))
    assert places[0] == places[1] == pytest.approx((3.0, -0.25, 0.0))
    assert places[2] == places[3] == pytest.approx((6.25, 0.25, math.pi / 2), abs=0.6), (
        "mercy, from the third hit on"
    )


def test_after_leaving_the_track_it_continues_on_the_nearer_lane_unless_an_obstacle_is_near(
    block: Track,
) -> None:
    made = world(block, {"OBJECT_POSITIONS": ["0.2,1", "0.9,1"]})
    stand(made, 2.0, INNER_LANE)
    stand(made, 2.1, INNER_LANE)
    assert made.race.put_back(0, Status.OFF_TRACK, made.telemetry, made.history) == pytest.approx(
        (2.0 + NOSE_M, 0.25, 0.0)
    )
    stand(made, 3.5, INNER_LANE)
    stand(made, 3.6, INNER_LANE)
    assert made.race.put_back(0, Status.OFF_TRACK, made.telemetry, made.history) == pytest.approx(
        (3.0, -0.25, 0.0)
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_no_start_is_inside_an_obstacle(block: Track, reverse: bool) -> None:
    own = {
        "NUMBER_OF_OBSTACLES": 8,
        "RANDOMIZE_OBSTACLE_LOCATIONS": "True",
        "MIN_DISTANCE_BETWEEN_OBSTACLES": "1.0",
    }
    made = world(block, own, 300, spread_starts=True, perturbed_starts=True, reverse_dir=reverse)
    codes = made.race.faults(made.cars, made.telemetry)
    assert (codes == Status.IN_PROGRESS.code).all()
    on_center = made.telemetry.distance_from_center_m < 0.16
    assert 20 < on_center.sum() < 280, "some start beside an obstacle that is near"


def test_places_change_with_the_episode_only_if_they_are_random(block: Track) -> None:
    fixed, random = (world(block, {"RANDOMIZE_OBSTACLE_LOCATIONS": text}, 3) for text in ("False", "True"))
    for made, count in ((fixed, 1), (random, 3)):
        boxes = made.race.boxes
        assert boxes is not None
        assert len({tuple(row) for row in boxes.x_m.tolist()}) == count
    again = world(block, {"RANDOMIZE_OBSTACLE_LOCATIONS": "True"}, 3)
    assert np.array_equal(again.race.boxes.x_m, random.race.boxes.x_m)  # type: ignore[union-attr]


def test_colours_are_random_with_domain_randomisation(block: Track) -> None:
    made = world(block, {}, 20, randomised_pictures=True)
    boxes = made.race.boxes
    assert boxes is not None and len(set(boxes.grey.ravel().tolist())) > 20


def test_parked_cars_and_other_boxes(block: Track) -> None:
    parked = world(block, {"IS_OBSTACLE_BOT_CAR": "true"}).race.boxes
    assert parked is not None and parked.is_car.all() and parked.length_m[0, 0] == 0.32352
    amazon = world(block, {"OBSTACLE_TYPE": "deepracer_box"}).race.boxes
    assert amazon is not None and amazon.length_m[0, 0] == 0.36
    nothing = world(block, {"NUMBER_OF_OBSTACLES": 0})
    assert nothing.race.boxes is None and nothing.race.reward_params(nothing.cars, nothing.telemetry) is None
    nothing.step([[0.0, 1.0]])


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"NUMBER_OF_OBSTACLES": "30"}, r"NUMBER_OF_OBSTACLES: 30, but block \(20\.0 m\) has room for 9"),
        ({"NUMBER_OF_OBSTACLES": "-1"}, "NUMBER_OF_OBSTACLES: '-1', expected a whole number"),
        (
            {"OBSTACLE_TYPE": "tree"},
            "OBSTACLE_TYPE: 'tree', expected one of box_obstacle, deepracer_box, amazon_box",
        ),
        (
            {"OBJECT_POSITIONS": ["0.2,1"]},
            "OBJECT_POSITIONS: '0.2,1', 1 of them, but NUMBER_OF_OBSTACLES is 2",
        ),
        ({"OBJECT_POSITIONS": ["0.2,1", "1.2,1"]}, "OBJECT_POSITIONS: '1.2,1', expected a share"),
        ({"OBJECT_POSITIONS": ["0.2,1", "0.3,2"]}, "OBJECT_POSITIONS: '0.3,2', expected a share"),
        (
            {"MIN_DISTANCE_BETWEEN_OBSTACLES": "near"},
            "MIN_DISTANCE_BETWEEN_OBSTACLES: 'near', expected a number",
        ),
        (
            {"RANDOMIZE_OBSTACLE_LOCATIONS": "maybe"},
            "RANDOMIZE_OBSTACLE_LOCATIONS: 'maybe', expected True or False",
        ),
        ({"RESET_BEHIND_DIST": "-1"}, "RESET_BEHIND_DIST: '-1', expected a number of 0 or more"),
    ],
)
def test_bad_params_are_refused(block: Track, own: dict[str, Any], said: str) -> None:
    settings = RaceSettings(race_type="OBJECT_AVOIDANCE", own={"NUMBER_OF_OBSTACLES": "2", **own})
    with pytest.raises(DrError, match=said):
        ObjectAvoidance.check(block, settings)
    with pytest.raises(DrError, match=said):
        World(block, settings, 1, sensors=())
