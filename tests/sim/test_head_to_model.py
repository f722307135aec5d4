"""Two models on one road: where they start, what they see, who has crashed, and who waits while the other drives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.errors import UsageError
from drcli.sim.car_dynamics import put
from drcli.sim.catalogue import load_track
from drcli.sim.track import INNER_LANE, OUTER_LANE, Track
from drcli.sim.world import World
from drcli.tables import RACES

pytestmark = pytest.mark.slow  # the kernels of collisions are compiled first

OVAL = load_track("drcli_oval", None, "")
PENALTY_S = 2.0
STEPS = 15


def settings(**more: Any) -> RaceSettings:
    defaults = {
        "race_type": "HEAD_TO_MODEL", "change_start_position": False, "is_continuous": True, "number_of_resets": 50,
        "collision_penalty_s": PENALTY_S, "off_track_penalty_s": 1.0, "number_of_trials": 2,
    }  # fmt: skip
    return RaceSettings(**(defaults | more))


def new_world(cars: int = 2, track: Track = OVAL, **more: Any) -> World:
    world = World(track, settings(**more), cars, sensors=("FRONT_FACING_CAMERA",))
    world.reset(episodes_per_car=[1] * cars)
    return world


def along(world: World, k: int) -> float:
    return float(world.telemetry.projection_distance_m[k])


def behind(world: World, gap_m: float, ndist: float = 0.05) -> None:
    """Put the first car on the inner lane, and the second `gap_m` behind it, both at rest."""
    length_m = world.track.length_m
    for k, at in enumerate((ndist, ndist - gap_m / length_m)):
        pose = world.track.lane_pose_at(at, INNER_LANE)
        put(world.cars, k, *pose)
    world.race.advance(world.cars, np.ones(2, np.bool_))
    world._look(np.ones(2, np.bool_))


def drive(world: World, speeds: tuple[float, float], steps: int) -> None:
    for _ in range(steps):
        world.step(np.array([[0.0, speeds[0]], [0.0, speeds[1]]]))


def test_they_start_staggered_on_their_lanes() -> None:
    world = new_world()
    length_m = OVAL.length_m
    for k, (lane, back_m) in enumerate(((OUTER_LANE, 0.0), (INNER_LANE, 0.75))):
        expected = OVAL.lane_pose_at(-back_m / length_m, lane)
        assert (world.cars.x_m[k], world.cars.y_m[k]) == pytest.approx(expected[:2])
    assert world.telemetry.progress[0] > 0.0 > world.telemetry.progress[1]  # of the start line, as in simapp


def test_each_sees_the_other_one() -> None:
    world = new_world()
    behind(world, 0.8)
    boxes = world.race.boxes
    assert boxes is not None
    assert (boxes.x_m[0, 0], boxes.y_m[1, 0]) == (world.cars.x_m[1], world.cars.y_m[0])
    images = next(view[1] for view in world._views.values())
    empty = World(OVAL, RaceSettings(), 2)
    empty.reset()
    for k in range(2):
        put(empty.cars, k, world.cars.x_m[k], world.cars.y_m[k], world.cars.heading_rad[k])
    clear = empty._look(np.ones(2, np.bool_))["FRONT_FACING_CAMERA"]
    assert (images[0] == clear[0]).all()  # it is behind
    assert (images[1] != clear[1]).sum() > 200


def test_who_drives_into_the_other_from_behind_has_crashed() -> None:
    world = new_world()
    behind(world, 0.8)
    for _ in range(60):
        transition = world.step(np.array([[0.0, 0.1], [0.0, 2.0]]))
        if world.records._crashes[1]:
            break
    assert (world.records._crashes[0], world.records._crashes[1]) == (0, 1)
    assert not transition.episodes
    row = [row for row in world.records.episodes[1].rows if row.episode_status == Status.CRASHED.value]
    assert len(row) == 1
    gap_m = along(world, 0) - along(world, 1)
    assert gap_m == pytest.approx(1.0, abs=0.2)  # RESET_BEHIND_DIST
    assert world.telemetry.is_left_of_center[0] != world.telemetry.is_left_of_center[1]


def test_the_other_drives_on_while_one_waits() -> None:
    world = new_world()
    behind(world, 0.8)
    while not world.records._crashes[1]:
        world.step(np.array([[0.0, 0.1], [0.0, 2.0]]))
    clock = world.referee.counts.clock
    assert clock[1] - clock[0] == PENALTY_S * STEPS
    place, before = world.cars.x_m[1].copy(), along(world, 0)
    for _ in range(int(PENALTY_S * STEPS)):
        assert world.due.tolist() == [True, False]
        world.step(np.array([[0.0, 1.0], [0.0, 4.0]]))
    assert clock[0] == clock[1]
    assert world.due.tolist() == [True, True]
    assert world.cars.x_m[1] == place
    assert along(world, 0) - before == pytest.approx(PENALTY_S, abs=0.3)
    assert world.telemetry.own_fault[1] == Status.IN_PROGRESS.code  # waiting is not standing still
    times = [row.tstamp for row in world.records.episodes[1].rows]
    assert np.diff(times) == pytest.approx(1 / STEPS)


def test_who_waited_sees_where_the_other_is_now() -> None:
    world = new_world()
    behind(world, 0.8)
    while not world.records._crashes[1]:
        obs = world.step(np.array([[0.0, 0.1], [0.0, 2.0]])).obs
    seen = obs["FRONT_FACING_CAMERA"][1].copy()
    while not world.due[1]:
        obs = world.step(np.array([[0.0, 1.0], [0.0, 4.0]])).obs
    assert (obs["FRONT_FACING_CAMERA"][1] != seen).any()


def test_an_overtaken_car_that_is_hit_from_behind_is_not_at_fault() -> None:
    world = new_world()
    behind(world, 0.25)  # the second one's front is already inside the first one
    faults = world.race.faults(world.cars, world.telemetry)
    assert faults.tolist() == [Status.IN_PROGRESS.code, Status.CRASHED.code]


def test_who_has_finished_leaves_the_road() -> None:
    world = new_world(number_of_trials=1)
    episodes = []
    length_m, lap = OVAL.length_m, 0
    while world.active.any() and lap < 4000:
        lap += 1
        actions = np.array([steer(world, 0, 2.5), steer(world, 1, 1.5)])
        episodes += world.step(actions).episodes
        if len(episodes) == 1:
            boxes = world.race.boxes
            assert boxes is not None
            assert math.isnan(boxes.x_m[1, 0])
            assert not math.isnan(boxes.x_m[0, 0])
            assert world.race.reward_params(world.cars, world.telemetry)[1] == {}  # type: ignore[index]
    assert [episode.car for episode in episodes] == [0, 1]
    assert all(episode.is_lap for episode in episodes)
    assert length_m / 2.7 < episodes[0].laps[0].elapsed_s < episodes[1].laps[0].elapsed_s


def steer(world: World, k: int, speed: float) -> tuple[float, float]:
    """Towards a point on its own lane, 0.6 m ahead."""
    ahead = (along(world, k) + 0.6) / world.track.length_m
    x, y, _ = world.track.lane_pose_at(ahead, INNER_LANE if k else OUTER_LANE)
    turn = math.atan2(y - world.cars.y_m[k], x - world.cars.x_m[k]) - world.cars.heading_rad[k]
    return math.degrees((turn + math.pi) % (2 * math.pi) - math.pi), speed


def test_pairs_do_not_meet_each_other() -> None:
    world = new_world(4, is_continuous=False)
    boxes = world.race.boxes
    assert boxes is not None
    assert boxes.x_m[:, 0].tolist() == [world.cars.x_m[k] for k in (1, 0, 3, 2)]
    assert world.race.faults(world.cars, world.telemetry).tolist() == [Status.IN_PROGRESS.code] * 4
    world.park(np.array([True, False, False, False]))
    assert np.isnan(boxes.x_m[:, 0]).tolist() == [False, True, False, False]


def test_it_needs_pairs() -> None:
    with pytest.raises(UsageError, match="HEAD_TO_MODEL needs pairs of cars, not 3") as caught:
        World(OVAL, settings(), 3)
    assert "dr evaluate" in caught.value.hint
    assert RACES.load("HEAD_TO_MODEL").cars_per_race == 2


@pytest.mark.parametrize("colours", [["Red", "White"], ["Purple"], "Red"])
def test_colours(colours: Any) -> None:
    world = new_world(own={"CAR_COLOR": colours})
    boxes = world.race.boxes
    assert boxes is not None
    red, white, purple, orange = 86, 255, 93, 171
    expected = (white, red) if len(colours) == 2 else (orange, purple)
    assert boxes.grey[:, 0].tolist() == pytest.approx(expected, abs=2)
