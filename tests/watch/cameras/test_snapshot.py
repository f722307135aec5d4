"""What a step tells those who look: the watched car, who is with it, what is on its road."""

from __future__ import annotations

import pytest
from live_worker import driven

from drcli.config.race_settings import RaceSettings
from drcli.contract.live_state import LiveState
from drcli.sim.catalogue import load_track
from drcli.sim.tour import Tour
from drcli.sim.world import World
from drcli.sim.worlds import Worlds
from drcli.watch.cameras.race_looks import RaceLooks
from drcli.watch.cameras.snapshot import snapshot
from drcli.watch.cameras.studio import scene_of

OVAL = load_track("drcli_oval", None, "")


def shown(world: World | Worlds, car: int = 0, steps: int = 3, **kinds: bool) -> LiveState:
    obs = world.reset()
    for _ in range(steps):
        step = driven(world, obs, **kinds)
        obs = step.transition.obs
    return snapshot(step, 1, car)


def test_a_state_survives_its_way() -> None:
    state = shown(World(OVAL, RaceSettings(), 3), car=2, is_evaluation=True)
    assert LiveState.unpack(state.pack()) == state
    assert (state.worker, state.car, len(state.cars), state.phase) == (1, 2, 3, "evaluation")
    assert state.readings["FRONT_FACING_CAMERA"].shape == (120, 160)
    assert state.meets == ()
    assert len(scene_of(state, everybody=False).cars) == 1
    assert len(scene_of(state, everybody=True).cars) == 3


@pytest.mark.parametrize("message", [b"", b"\xc0", b"\x80", b"\x81\xa6worker\x01", b"\xff" * 9])
def test_anything_else_is_no_state(message: bytes) -> None:
    with pytest.raises(ValueError):
        LiveState.unpack(message)


def test_figures_are_those_of_the_records() -> None:
    world = World(OVAL, RaceSettings(), 2)
    state = shown(world, car=1, steps=5)
    assert state.total_reward == world.records.episodes[1].reward
    assert state.lap_s == pytest.approx(6 / 15)  # with the prepare step
    assert (state.cars[1].x_m, state.cars[1].y_m) == (world.cars.x_m[1], world.cars.y_m[1])
    assert state.progress == world.telemetry.progress[1]


def test_the_end_of_an_episode_is_told() -> None:
    world = World(OVAL, RaceSettings(), 1)
    obs = world.reset()
    while True:
        step = driven(world, obs)
        obs = step.transition.obs
        if step.transition.episodes:
            break
    state = snapshot(step, 0, 0)
    (episode,) = step.transition.episodes
    assert (state.status, state.total_reward, state.progress) == (
        "off_track",
        episode.reward,
        episode.progress,
    )
    assert state.lap_s == pytest.approx(episode.laps[-1].elapsed_s)


def test_obstacles_and_bot_cars_are_on_the_road() -> None:
    boxes = RaceSettings(race_type="OBJECT_AVOIDANCE", own={"NUMBER_OF_OBSTACLES": "3"})
    bots = RaceSettings(race_type="HEAD_TO_BOT", own={"NUMBER_OF_BOT_CARS": "2"})
    assert [box.is_car for box in shown(World(OVAL, boxes, 2)).boxes] == [False] * 3
    assert [box.is_car for box in shown(World(OVAL, bots, 2)).boxes] == [True] * 2


def test_models_of_a_race_meet_as_cars_with_their_own_looks() -> None:
    state = shown(World(OVAL, RaceSettings(race_type="HEAD_TO_MODEL"), 4), car=2)
    assert (state.car, state.meets, state.boxes) == (2, (3,), ())
    looks = RaceLooks.of({"DISPLAY_NAME": ["A", "B"], "CAR_COLOR": ["Red", "Blue"]})
    scene = scene_of(looks.dress(state), everybody=False)
    assert [(car.name, car.color) for car in scene.cars] == [("A", "Red"), ("B", "Blue")]
    assert scene_of(state, place=1, everybody=False).watched == 1


def test_worlds_side_by_side_and_tours_show_the_track_of_the_watched_car() -> None:
    other = load_track("drcli_wide", None, "")
    side = Worlds([World(OVAL, RaceSettings(), 2), World(other, RaceSettings(), 1)])
    state = shown(side, car=2)
    assert (state.world_name, len(state.cars), state.car) == (other.name, 1, 0)
    tour = Worlds([Tour([World(OVAL, RaceSettings(), 1), World(other, RaceSettings(), 1)])])
    assert [shown(tour).world_name, shown(tour).world_name] == [OVAL.name, other.name]
