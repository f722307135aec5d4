"""Several worlds as one: each drives as it does alone, and episodes are numbered over all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.sim.track import Track
from drcli.sim.world import Transition, World
from drcli.sim.worlds import Worlds, side_by_side

RACE = RaceSettings(alternate_driving_direction=True, round_robin_advance_dist=0.13)
SENSORS = ("CAR_MOTION", "ROAD_AHEAD")
ONE_EACH = [1] * 5


def ring_and_block(ring: Track, block: Track) -> list[World]:
    """Two cars on the ring and three on the block."""
    return [World(ring, RACE, 2, sensors=SENSORS, seed=3), World(block, RACE, 3, sensors=SENSORS, seed=4)]


def actions(step: int) -> np.ndarray:
    """Of five cars, each its own: some leave the road soon."""
    car = np.arange(5)
    return np.column_stack([14.0 * np.sin(car + step / 9.0) + 4.0 * car, 1.0 + 0.4 * car])


def labels(step: int) -> list[int]:
    return [100 * car + step for car in range(5)]


def drive(worlds: Worlds, steps: int) -> list[Episode]:
    """The episodes that end within so many steps."""
    return [episode for step in range(steps) for episode in worlds.step(actions(step), labels(step)).episodes]


def joined(parts: list[Transition]) -> list[np.ndarray]:
    arrays = [np.concatenate(column) for column in zip(*(part[1:4] for part in parts), strict=True)]
    return arrays + [np.concatenate([part.obs[name] for part in parts]) for name in SENSORS]


def facts(episode: Episode) -> tuple[object, ...]:
    """Without numbers and the time of day."""
    rows = [row._replace(episode=0, wall_clock=0.0) for row in episode.rows]
    return replace(episode, car=0, number=0, rows=rows), episode.rows[-1].episode - episode.number


@pytest.mark.parametrize("quota", [None, [3, 1, 2, 0, 4]])
def test_each_drives_as_it_does_alone(ring: Track, block: Track, quota: list[int] | None) -> None:
    alone, worlds = ring_and_block(ring, block), Worlds(ring_and_block(ring, block))
    split = [None, None] if quota is None else [quota[:2], quota[2:]]
    first = [world.reset(episodes_per_car=own) for world, own in zip(alone, split, strict=True)]
    seen = worlds.reset(episodes_per_car=quota)
    assert (worlds.num_envs, worlds.sensors) == (5, alone[0].sensors)
    for name in SENSORS:
        np.testing.assert_array_equal(seen[name], np.concatenate([obs[name] for obs in first]))
    ended: list[list[Episode]] = [[], []]
    together = []
    for step in range(250):
        np.testing.assert_array_equal(worlds.active, np.concatenate([world.active for world in alone]))
        parts = [
            world.step(actions(step)[cars], labels(step)[cars])
            for world, cars in zip(alone, worlds.cars_of, strict=True)
        ]
        now = worlds.step(actions(step), labels(step))
        for got, expected in zip([*now[1:4], *now.obs.values()], joined(parts), strict=True):
            np.testing.assert_array_equal(got, expected)
        together += now.episodes
        for i, part in enumerate(parts):
            ended[i] += part.episodes
    for i, cars in enumerate(worlds.cars_of):
        own = [episode for episode in together if cars.start <= episode.car < cars.stop]
        assert [episode.car - cars.start for episode in own] == [episode.car for episode in ended[i]]
        assert [facts(episode) for episode in own] == [facts(episode) for episode in ended[i]]
    assert len(together) >= (10 if quota is None else sum(quota) - 1)


def test_numbers_are_unique_and_in_order(ring: Track, block: Track) -> None:
    worlds = Worlds(ring_and_block(ring, block))
    worlds.reset()
    assert worlds.next_episode == 5
    episodes = drive(worlds, 400)
    assert len(episodes) > 12
    assert {episode.number for episode in episodes} <= set(range(worlds.next_episode))
    assert len({episode.number for episode in episodes}) == len(episodes)
    assert all({row.episode for row in episode.rows} == {episode.number} for episode in episodes)
    in_order = sorted(episodes, key=lambda episode: episode.number)
    assert [episode.car for episode in in_order[:5]] == [0, 1, 2, 3, 4]
    for world, cars in zip(worlds.worlds, worlds.cars_of, strict=True):  # each counts for itself
        starts = [(RACE.start_ndist(n), RACE.is_reversed(n)) for n in range(world.next_episode)]
        own = [episode for episode in in_order if cars.start <= episode.car < cars.stop]
        places = [starts.index((episode.start_ndist, episode.is_reversed)) for episode in own]
        assert places == sorted(set(places)) and len(own) > 4


def test_a_world_without_active_cars_is_not_stepped(
    ring: Track, block: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ring_and_block(ring, block)
    worlds = Worlds(parts)
    seen = worlds.reset(episodes_per_car=[0, 0, 1, 1, 1])
    monkeypatch.setattr(parts[0], "step", lambda *given: pytest.fail("nobody drives there"))
    now = worlds.step(actions(0))
    assert worlds.active.tolist() == [False, False, True, True, True]
    assert not now.rewards[:2].any() and not now.terminated[:2].any()
    np.testing.assert_array_equal(now.obs["ROAD_AHEAD"][:2], seen["ROAD_AHEAD"][:2])
    episodes = [episode for _ in range(400) for episode in worlds.step(np.full((5, 2), 4.0)).episodes]
    assert sorted(episode.number for episode in episodes) == [0, 1, 2] and not worlds.active.any()
    assert worlds.step(actions(1)).episodes == []


def test_some_cars_restart_with_new_numbers(ring: Track, block: Track) -> None:
    worlds = Worlds(ring_and_block(ring, block))
    worlds.reset(episodes_per_car=ONE_EACH)
    worlds.reset(cars=np.array([False, True, False, True, False]), seed=8)
    assert worlds.next_episode == 7
    assert [world.seed for world in worlds.worlds] == [8, 9]
    numbers = {episode.car: episode.number for episode in drive(worlds, 900)}
    assert numbers == {0: 0, 1: 5, 2: 2, 3: 6, 4: 4}


@pytest.mark.parametrize("done", [0, 1, 7, 40])
def test_a_resumed_run_goes_on(ring: Track, block: Track, done: int) -> None:
    worlds = Worlds(ring_and_block(ring, block))
    worlds.next_episode = done
    assert worlds.next_episode == done
    assert [world.next_episode for world in worlds.worlds] == [done * 2 // 5, done * 3 // 5]
    worlds.reset(episodes_per_car=ONE_EACH)
    assert worlds.next_episode == done + 5
    episodes = drive(worlds, 900)
    assert {episode.car: episode.number for episode in episodes} == {k: done + k for k in range(5)}
    starts = {episode.car: round(episode.start_ndist, 9) for episode in episodes}
    assert starts[0] == round(RACE.start_ndist(done * 2 // 5), 9)
    assert starts[2] == round(RACE.start_ndist(done * 3 // 5), 9)


def test_one_track_under_several_rules(ring: Track) -> None:
    """Starts all around it, and others a little beside the line."""
    spread = RaceSettings(spread_starts=True)
    beside = RaceSettings(perturbed_starts=True)
    worlds = Worlds([World(ring, spread, 2, sensors=()), World(ring, beside, 3, sensors=())])
    assert worlds.reset(episodes_per_car=ONE_EACH) == {}
    on_line, off_line = (np.hypot(world.cars.x_m, world.cars.y_m) for world in worlds.worlds)
    assert on_line == pytest.approx([2.0, 2.0], abs=0.01) and np.abs(off_line - 2.0).max() > 0.01
    assert sorted(episode.number for episode in drive(worlds, 900)) == [0, 1, 2, 3, 4]


def test_one_world_needs_no_wrapper(ring: Track, block: Track) -> None:
    parts = ring_and_block(ring, block)
    assert side_by_side(parts[:1]) is parts[0]
    assert isinstance(side_by_side(parts), Worlds)


def test_what_cannot_be_joined(ring: Track) -> None:
    with pytest.raises(ValueError, match="no worlds"):
        side_by_side([])
    with pytest.raises(ValueError, match="different sensors"):
        Worlds([World(ring, RACE, 1, sensors=sensors) for sensors in (SENSORS, ())])
