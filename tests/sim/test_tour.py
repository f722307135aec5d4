"""A car that drives on more tracks than there are cars: on one after the other, each as it drives alone."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.sim.tour import Tour
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.sim.worlds import Worlds

RACE = RaceSettings(alternate_driving_direction=True, round_robin_advance_dist=0.13)
SENSORS = ("CAR_MOTION", "ROAD_AHEAD")


def one(track: Track, seed: int = 3) -> World:
    return World(track, RACE, 1, sensors=SENSORS, seed=seed)


def drive_off(env: Worlds | Tour, steps: int) -> list[Episode]:
    actions = np.column_stack([np.full(env.num_envs, 25.0), np.full(env.num_envs, 2.0)])
    return [episode for _ in range(steps) for episode in env.step(actions).episodes]


def lengths(episodes: list[Episode]) -> list[float]:
    """Which track each was driven on."""
    return [episode.rows[0].track_len for episode in episodes]


def test_each_episode_is_on_the_next_track_with_its_own_starts_and_directions(
    ring: Track, block: Track
) -> None:
    tour = Tour([one(ring), one(block)])
    tour.reset()
    episodes = drive_off(tour, 400)
    assert len(episodes) > 8
    assert [episode.number for episode in episodes] == list(range(len(episodes)))
    assert all(row.episode == episode.number for episode in episodes for row in episode.rows)
    expected = [ring.length_m, block.length_m] * len(episodes)
    assert lengths(episodes) == pytest.approx(expected[: len(episodes)])
    for first, track in enumerate((ring, block)):
        own, alone = episodes[first::2], one(track)
        alone.reset()
        same = [episode for _ in range(300) for episode in alone.step([[25.0, 2.0]]).episodes]
        for a, b in zip(own, same, strict=False):
            assert (a.start_ndist, a.is_reversed, a.status) == (b.start_ndist, b.is_reversed, b.status)
            assert [row[1:8] for row in a.rows] == [row[1:8] for row in b.rows]
        assert {episode.is_reversed for episode in own} == {False, True}


def test_the_observation_after_the_end_is_that_of_the_next_track(ring: Track, block: Track) -> None:
    tour, alone = Tour([one(ring), one(block)]), one(block)
    tour.reset()
    first = alone.reset()
    while not (now := tour.step([[25.0, 2.0]])).episodes:
        pass
    for name in SENSORS:
        np.testing.assert_array_equal(now.obs[name], first[name])


def test_a_tour_stops_after_its_quota_and_continues_where_it_was(ring: Track, block: Track) -> None:
    tour = Tour([one(ring), one(block)])
    seen = []
    for _ in range(3):
        tour.reset(episodes_per_car=[1])
        while tour.active[0]:
            seen += tour.step([[25.0, 2.0]]).episodes
    assert [episode.number for episode in seen] == [0, 1, 2]
    assert lengths(seen) == pytest.approx([ring.length_m, block.length_m, ring.length_m])
    tour.reset(episodes_per_car=[0])
    assert not tour.active[0]
    resumed = Tour([one(ring), one(block)])
    resumed.next_episode = 3
    resumed.reset()
    (episode,) = drive_off(resumed, 400)[:1]
    assert (episode.number, lengths([episode])) == (3, [pytest.approx(block.length_m)])
    assert episode.is_reversed, "the second one on this track"


def test_parked_tours_stand(ring: Track) -> None:
    tour = Tour([one(ring)])
    tour.reset()
    tour.park(np.ones(1, np.bool_))
    assert not tour.active[0]


def test_two_cars_visit_five_tracks(ring: Track, block: Track) -> None:
    tracks = [ring, block, ring, block, ring]
    worlds = [one(track, seed) for seed, track in enumerate(tracks)]
    both = Worlds([Tour(worlds[0::2]), Tour(worlds[1::2])])
    both.reset()
    episodes = drive_off(both, 600)
    assert sorted(episode.number for episode in episodes)[:12] == list(range(12))
    assert all(world.next_episode >= 2 for world in worlds)
    assert max(world.next_episode for world in worlds) <= 4 * min(world.next_episode for world in worlds)


def test_single_episodes_go_to_one_track_after_the_other(ring: Track, block: Track) -> None:
    worlds = Worlds([World(track, RACE, 2, sensors=SENSORS) for track in (ring, block, ring)])
    driven = []
    for _ in range(6):
        share = worlds.shares(1)
        assert sum(share) == 1
        driven.append(share.index(1) // 2)
        worlds.reset(episodes_per_car=share)
    assert driven == [0, 1, 2, 0, 1, 2]
    share = np.array(worlds.shares(8))
    assert [int(share[own].sum()) for own in worlds.cars_of] in ([3, 3, 2], [2, 3, 3], [3, 2, 3])


def test_tours_need_worlds_with_one_car(ring: Track) -> None:
    with pytest.raises(ValueError, match="one car each"):
        Tour([World(ring, RACE, 2, sensors=SENSORS)])
    with pytest.raises(ValueError, match="one car each"):
        Tour([])
    with pytest.raises(ValueError, match="different sensors"):
        Tour([one(ring), World(ring, RACE, 1, sensors=())])


def test_spread_starts_of_a_single_car_reach_the_whole_lap(ring: Track, block: Track) -> None:
    race = RaceSettings(spread_starts=True, change_start_position=False)
    tour = Tour([World(track, race, 1, sensors=()) for track in (ring, block)])
    tour.reset()
    starts = [episode.start_ndist for episode in drive_off(tour, 700)][::2]
    assert len(starts) >= 8
    gaps = np.diff([*sorted(starts), min(starts) + 1.0])
    assert gaps.max() < 3.0 / len(starts)
