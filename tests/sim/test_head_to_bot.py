"""Bot cars: how they drive and change lanes, who has crashed into whom, and what the reward function is told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.errors import DrError
from drcli.sim.car_dynamics import put
from drcli.sim.races.head_to_bot import HeadToBot
from drcli.sim.races.lane_lines import lane_lines
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track, project
from drcli.sim.world import World

ALL = np.ones(1, np.bool_)


def world(track: Track, own: dict[str, Any], num_envs: int = 1, **settings: Any) -> World:
    race = RaceSettings(
        race_type="HEAD_TO_BOT", own={"NUMBER_OF_BOT_CARS": "2", "BOT_CAR_SPEED": "0.6", **own},
        **{"change_start_position": False, **settings},
    )  # fmt: skip
    made = World(track, race, num_envs, sensors=())
    made.reset()
    return made


def bots(made: World) -> Any:
    assert made.race.boxes is not None
    return made.race.boxes


def advance(made: World, steps: int) -> None:
    for _ in range(steps):
        made.race.advance(made.cars, np.ones(made.num_envs, np.bool_))


def stand_relative_to_bot(made: World, ahead_m: float, left_m: float = 0.0) -> None:
    """Put the car `ahead_m` ahead of the first bot car, in its direction, and measure it."""
    x, y, heading = bots(made).x_m[0, 0], bots(made).y_m[0, 0], bots(made).heading_rad[0, 0]
    cos, sin = math.cos(heading), math.sin(heading)
    put(made.cars, 0, x + ahead_m * cos - left_m * sin, y + ahead_m * sin + left_m * cos, heading)
    measure(made._road, made.cars, made.history.block, 15, ALL, True, made.telemetry.block)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("lane", [INNER_LANE, OUTER_LANE])
def test_lane_lines_are_the_lanes(ring: Track, lane: int, backwards: bool) -> None:
    """On a circle: at the same angle, on the circle between centre line and border."""
    lines, way = lane_lines(ring), ring.reversed() if backwards else ring
    for along_m in (0.0, 1.234, 6.0, 12.0, 12.0 + ring.length_m):
        (x, y), turn = (
            part[0] for part in lines.at(np.array([int(backwards)]), np.array([lane]), np.array([along_m]))
        )
        radius = 1.8 if lane == INNER_LANE else 2.2
        assert math.hypot(x, y) == pytest.approx(radius, abs=1e-3)
        cx, cy, heading = way.pose_at(along_m / ring.length_m)
        assert math.atan2(y, x) == pytest.approx(math.atan2(cy, cx), abs=2e-3)
        assert math.cos(math.atan2(turn[1], turn[0]) - heading) > 0.999
        assert math.hypot(*turn) == pytest.approx(radius / 2.0, abs=2e-3)


def test_an_open_road_has_lanes_to_its_end(block: Track) -> None:
    road = Track("road", block.center[:6], block.inner[:6], block.outer[:6])
    points, _ = lane_lines(road).at(np.array([0]), np.array([OUTER_LANE]), np.array([9.0]))
    assert points[0] == pytest.approx([5.0, -0.25])


@pytest.mark.parametrize("backwards", [False, True])
def test_bot_cars_drive_round_the_track_in_the_cars_direction(ring: Track, backwards: bool) -> None:
    made = world(ring, {}, reverse_dir=backwards)
    before = math.atan2(bots(made).y_m[0, 0], bots(made).x_m[0, 0])
    told = made.race.reward_params(made.cars, made.telemetry)
    assert told is not None and told[0]["objects_distance"] == pytest.approx(
        [2.04, ring.length_m - 0.96], abs=0.01
    )
    assert told[0]["objects_left_of_center"] == ([False, True] if backwards else [True, False])
    assert told[0]["objects_speed"] == [0.6, 0.6]
    assert told[0]["objects_heading"] == pytest.approx(bots(made).heading_rad[0].tolist())
    put(made.cars, 0, 0.0, 0.0, 0.0)  # out of their way
    advance(made, 15)
    after = math.atan2(bots(made).y_m[0, 0], bots(made).x_m[0, 0])
    assert after - before == pytest.approx((-1 if backwards else 1) * 0.6 / 2.0, abs=0.01)
    told = made.race.reward_params(made.cars, made.telemetry)
    assert told is not None and told[0]["objects_distance"] == pytest.approx(
        [2.64, ring.length_m - 0.36], abs=0.01
    )
    assert told[0]["objects_distance_from_center"] == pytest.approx([0.2, 0.2], abs=0.01)
    advance(made, 15)
    told = made.race.reward_params(made.cars, made.telemetry)
    assert told is not None and told[0]["objects_distance"] == pytest.approx([3.24, 0.24], abs=0.01)


def test_only_worlds_of_cars_that_drive_move_on(ring: Track) -> None:
    made = world(ring, {}, 2)
    before = bots(made).x_m.copy()
    made.race.advance(made.cars, np.array([False, True]))
    moved = (bots(made).x_m != before).all(axis=1)
    assert moved.tolist() == [False, True]


def test_lane_changes_take_their_distance_and_wait_their_time(ring: Track) -> None:
    own = {"IS_LANE_CHANGE": "True", "LOWER_LANE_CHANGE_TIME": "2", "UPPER_LANE_CHANGE_TIME": "3",
           "LANE_CHANGE_DISTANCE": "1.2", "NUMBER_OF_BOT_CARS": "3"}  # fmt: skip
    made = world(ring, own)
    radius = []
    for _ in range(300):
        advance(made, 1)
        radius.append(np.hypot(bots(made).x_m[0], bots(made).y_m[0]))
    track = np.array(radius)  # [steps, bots]
    for bot in range(3):
        middle = (track[:, bot] > 1.801) & (track[:, bot] < 2.199)
        edges = np.flatnonzero(np.diff(middle.astype(int)))
        pieces = np.split(middle, edges + 1)
        changes = [len(piece) for piece in pieces[1:-1] if piece[0]]
        waits = [len(piece) for piece in pieces[1:-1] if not piece[0]]
        assert changes and all(26 <= steps <= 30 for steps in changes), "1.2 m at 0.6 m/s, 30 steps"
        assert waits and all(29 <= steps <= 49 for steps in waits), "2 to 3 s"
    headings = np.diff(track, axis=0)
    assert np.abs(headings).max() < 0.025, "no jumps: at most 1.5 times 0.4 m in 30 steps"


def test_bot_cars_look_where_they_go(ring: Track) -> None:
    own = {"IS_LANE_CHANGE": "True", "LOWER_LANE_CHANGE_TIME": "0.1", "UPPER_LANE_CHANGE_TIME": "0.1"}
    made = world(ring, own)
    put(made.cars, 0, 0.0, 0.0, 0.0)  # out of their way
    for _ in range(60):
        x, y, heading = (part[0].copy() for part in bots(made)[:3])
        advance(made, 1)
        gone = np.arctan2(bots(made).y_m[0] - y, bots(made).x_m[0] - x)
        middle = heading + np.angle(np.exp(1j * (bots(made).heading_rad[0] - heading))) / 2
        assert np.cos(gone - middle) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(
    ("ahead_m", "left_m", "status"),
    [
        (-0.32, 0.0, Status.CRASHED),
        (-0.33, 0.0, Status.IN_PROGRESS),
        (-0.05, 0.19, Status.CRASHED),
        (0.05, 0.19, Status.IN_PROGRESS),
        (0.32, 0.0, Status.IN_PROGRESS),
    ],
)
def test_only_who_is_behind_has_crashed(ring: Track, ahead_m: float, left_m: float, status: Status) -> None:
    made = world(ring, {})
    stand_relative_to_bot(made, ahead_m, left_m)
    assert made.race.faults(made.cars, made.telemetry)[0] == status.code


def test_a_bot_car_that_hits_from_behind_waits(ring: Track) -> None:
    made = world(ring, {"PENALTY_SECONDS": "1.0"})
    stand_relative_to_bot(made, 0.31)
    places = []
    for _ in range(20):
        advance(made, 1)
        places.append(float(bots(made).x_m[0, 0]))
        put(made.cars, 0, 0.0, 0.0, 0.0)  # it drives away
    still = np.flatnonzero(np.diff(places) == 0.0)
    assert len(still) == 14, "a second has 15 steps"
    other = bots(made).x_m[0, 1]
    advance(made, 1)
    assert bots(made).x_m[0, 1] != other


def test_random_places_and_colours_follow_seed_and_episode(ring: Track) -> None:
    own = {"RANDOMIZE_BOT_CAR_LOCATIONS": "True", "NUMBER_OF_BOT_CARS": "3"}
    made, again = (world(ring, own, 8, randomised_pictures=True) for _ in range(2))
    assert np.array_equal(bots(made).x_m, bots(again).x_m) and np.array_equal(
        bots(made).grey, bots(again).grey
    )
    assert len({tuple(row) for row in bots(made).x_m.tolist()}) == 8
    assert len(set(bots(made).grey.ravel().tolist())) > 8


def test_bot_cars_stay_on_the_road_of_a_real_shape(block: Track) -> None:
    own = {"IS_LANE_CHANGE": "True", "LOWER_LANE_CHANGE_TIME": "0.5", "UPPER_LANE_CHANGE_TIME": "1"}
    made = world(block, own)
    for _ in range(400):
        advance(made, 1)
        places = np.column_stack([bots(made).x_m[0], bots(made).y_m[0]])
        assert project(places, block.center)[1].min(axis=1).max() < 0.5


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"NUMBER_OF_BOT_CARS": "9"}, r"NUMBER_OF_BOT_CARS: 9, but ring \(12\.6 m\) has room for 5"),
        ({"BOT_CAR_SPEED": "5"}, "BOT_CAR_SPEED: '5', expected a number from 0 to 4"),
        ({"BOT_CAR_SPEED": "-1"}, "BOT_CAR_SPEED: '-1', expected a number from 0 to 4"),
        ({"LOWER_LANE_CHANGE_TIME": "6"}, "LOWER_LANE_CHANGE_TIME: 6.0, more than UPPER_LANE_CHANGE_TIME, 5"),
        (
            {"IS_LANE_CHANGE": "True", "LANE_CHANGE_DISTANCE": "0"},
            "LANE_CHANGE_DISTANCE: 0.0, expected a number of 0.1",
        ),
        ({"PENALTY_SECONDS": "long"}, "PENALTY_SECONDS: 'long', expected a number of 0 or more"),
    ],
)
def test_bad_params_are_refused(ring: Track, own: dict[str, Any], said: str) -> None:
    settings = RaceSettings(race_type="HEAD_TO_BOT", own={"NUMBER_OF_BOT_CARS": "2", **own})
    with pytest.raises(DrError, match=said):
        HeadToBot.check(ring, settings)
    with pytest.raises(DrError, match=said):
        World(ring, settings, 1, sensors=())
