"""How the cars of a worker are divided among its tracks, also where there are more tracks than cars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.services.shared.protocol import POLICY
from drcli.services.shared.seats import Seat
from drcli.services.worker.course import Course
from drcli.sim.reward import RewardFunction
from drcli.sim.track import Track
from drcli.sim.worlds import Worlds
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.model import ModelSpec

RACE = RaceSettings(alternate_driving_direction=True)
REWARD = RewardFunction("def reward_function(params):\n    return 1.0\n", "reward.py")


@pytest.fixture
def course(track: Track) -> Callable[[int], Course]:
    """Makes courses of a number of tracks, each a little larger than the one before."""

    def make(tracks: int) -> Course:
        sizes = 1.0 + 0.1 * np.arange(tracks)
        grown = [
            replace(
                track, name=f"t{i}", center=track.center * s, inner=track.inner * s, outer=track.outer * s
            )
            for i, s in enumerate(sizes)
        ]
        return Course(tuple(grown), RACE, REWARD)

    return make


def driven(world: Any, steps: int) -> Counter[tuple[float, bool]]:
    """How many episodes ended on each track (its length), in each direction."""
    world.reset()
    turn = np.tile([[28.0, 2.0]], (world.num_envs, 1))
    ended = [episode for _ in range(steps) for episode in world.step(turn).episodes]
    return Counter((round(e.rows[0].track_len, 3), e.is_reversed) for e in ended)


@pytest.mark.parametrize(("tracks", "cars"), [(3, 2), (7, 2), (5, 4), (3, 1)])
def test_more_tracks_than_cars_are_all_visited_in_both_directions(
    course: Callable[[int], Course], model: ModelSpec, tracks: int, cars: int
) -> None:
    world = course(tracks).training(Seat(POLICY, model, ClippedPPO), cars, seed=1)
    assert world.num_envs == cars, "cars do not multiply"
    counts = driven(world, 100 * tracks)
    assert len(counts) == 2 * tracks
    assert max(counts.values()) <= 5 * min(counts.values())


def test_enough_cars_are_divided_among_the_tracks(course: Callable[[int], Course], model: ModelSpec) -> None:
    world = course(3).training(Seat(POLICY, model, ClippedPPO), 8, seed=1)
    assert isinstance(world, Worlds)
    assert [own.num_envs for own in world.worlds] == [3, 3, 2]
    assert len(driven(world, 150)) == 6


def test_one_track_is_one_world(course: Callable[[int], Course], model: ModelSpec) -> None:
    world = course(1).training(Seat(POLICY, model, ClippedPPO), 2, seed=1)
    assert not isinstance(world, Worlds)


def test_whole_episodes_reach_all_tracks_however_few_an_iteration_has(
    course: Callable[[int], Course],
    model: ModelSpec,
    new_driver: Callable[..., Any],
    new_collector: Callable[..., Any],
) -> None:
    driver = new_driver(1)
    collector = new_collector(driver)
    driver.world = course(4).training(Seat(POLICY, model, ClippedPPO), 8, seed=1)
    found = [episode for step in range(4) for episode in collector.episodes(1, step, 0)[1]]
    assert len({round(episode.rows[0].track_len, 3) for episode in found}) == 4
