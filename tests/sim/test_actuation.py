"""Steps of different lengths, late and noisy actions: drawn from seed, episode and step, if settings ask for it."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.sim.actuation import Actuation
from drcli.sim.constants import STEP_S
from drcli.sim.races.race_type import EpisodeStart
from drcli.sim.track import Track
from drcli.sim.world import World

ALL = np.ones(3, np.bool_)


def begun(settings: RaceSettings, episode: int = 0) -> Actuation:
    """Three cars at the start of episodes `episode`, `episode` + 1 and `episode` + 2."""
    actuation = Actuation(settings, 3)
    for k in range(3):
        actuation.begin(k, EpisodeStart(episode + k, 0.0, False, seed=5))
    return actuation


def driven(track: Track, settings: RaceSettings, cars: int, steps: int = 60) -> list[Episode]:
    world = World(track, settings, cars, sensors=(), seed=7)
    world.reset()
    ended = [episode for _ in range(steps) for episode in world.step([[20.0, 2.0]] * cars).episodes]
    return sorted(ended, key=lambda episode: episode.number)


def test_nothing_varies_unless_it_is_asked_for() -> None:
    assert not Actuation(RaceSettings(), 2).varies
    idle = RaceSettings(randomised_latency_steps=2, randomised_steering=0.05, randomised_speed=0.05)
    assert not Actuation(idle, 2).varies, "randomisation is switched off"
    assert Actuation(RaceSettings(step_jitter=0.2), 2).varies


def test_nine_of_ten_steps_are_within_the_jitter() -> None:
    actuation = begun(RaceSettings(step_jitter=0.2))
    lengths = np.array([actuation.lengths_s(ALL) for _ in range(4000)]) / STEP_S
    assert np.percentile(lengths, (5, 50, 95)) == pytest.approx([0.8, 1.0, 1.2], abs=0.01)
    assert lengths.min() >= 0.64 - 1e-9
    assert lengths.max() <= 1.36 + 1e-9


def test_what_is_drawn_depends_on_seed_episode_and_step_alone() -> None:
    settings = RaceSettings(step_jitter=0.2)
    many, one = begun(settings, episode=4), Actuation(settings, 1)
    one.begin(0, EpisodeStart(6, 0.0, False, seed=5))
    for _ in range(5):
        assert many.lengths_s(ALL)[2] == one.lengths_s(np.ones(1, np.bool_))[0]
    assert begun(settings).lengths_s(ALL).tolist() != begun(settings, episode=1).lengths_s(ALL).tolist()


def test_actions_arrive_late_by_a_number_of_steps_that_an_episode_keeps() -> None:
    found = set()
    for episode in range(0, 60, 3):
        actuation = begun(RaceSettings(randomised_pictures=True, randomised_latency_steps=2), episode)
        sent = [np.full((3, 2), float(step + 1)) for step in range(6)]
        arrived = np.array([actuation.carried_out(action, ALL)[:, 0] for action in sent])
        for k in range(3):
            late = int((arrived[:, k] == 0.0).sum())
            assert arrived[:, k].tolist() == [*[0.0] * late, *[float(n + 1) for n in range(6 - late)]]
            found.add(late)
    assert found == {0, 1, 2}


def test_a_car_that_waits_decides_on_nothing() -> None:
    others = np.array([True, False, True])
    for episode in range(0, 30, 3):
        actuation = begun(RaceSettings(randomised_pictures=True, randomised_latency_steps=2), episode)
        arrived = []
        for number in (1.0, 2.0, 3.0, 4.0):
            arrived.append(float(actuation.carried_out(np.full((3, 2), number), ALL)[1, 0]))
            actuation.carried_out(np.full((3, 2), -1.0), others)
        late = arrived.count(0.0)
        assert arrived == [*[0.0] * late, *[1.0, 2.0, 3.0, 4.0][: 4 - late]]


def test_what_has_not_arrived_is_forgotten_when_a_car_is_put_elsewhere() -> None:
    for episode in range(0, 30, 3):
        actuation = begun(RaceSettings(randomised_pictures=True, randomised_latency_steps=2), episode)
        for _ in range(3):
            actuation.carried_out(np.full((3, 2), 1.0), ALL)
        actuation.forget(1)
        arrived = np.array([actuation.carried_out(np.full((3, 2), 2.0), ALL)[:, 0] for _ in range(3)])
        assert set(arrived[:, 1]) <= {0.0, 2.0}
        assert set(arrived[:, [0, 2]].flat) <= {1.0, 2.0}


def test_noise_is_a_share_of_full_lock_and_of_the_speed() -> None:
    settings = RaceSettings(randomised_pictures=True, randomised_steering=0.05, randomised_speed=0.1)
    spread = []
    for episode in range(0, 300, 3):
        actuation = begun(settings, episode)
        arrived = np.array([actuation.carried_out(np.array([[10.0, 2.0]] * 3), ALL) for _ in range(200)])
        assert arrived.mean(axis=0) == pytest.approx(np.array([[10.0, 2.0]] * 3), abs=0.5)
        spread.append(arrived.std(axis=0))
    # Standard deviations are drawn evenly, from none to the setting.
    spread_of = np.concatenate(spread)
    assert spread_of.mean(axis=0) == pytest.approx([0.5 * 0.05 * 30.0, 0.5 * 0.1 * 2.0], rel=0.15)
    assert (spread_of.max(axis=0) < [1.2 * 0.05 * 30.0, 1.2 * 0.1 * 2.0]).all()


def test_clocks_and_traces_show_the_lengths_of_steps(block: Track) -> None:
    plain, jittered = (driven(block, RaceSettings(step_jitter=share), 1)[0] for share in (0.0, 0.2))
    times = [np.diff([row.tstamp for row in episode.rows]) for episode in (plain, jittered)]
    assert times[0] == pytest.approx(STEP_S)
    assert times[1].std() > 0.05 * STEP_S
    assert (times[1] > 0.0).all()


def test_reward_functions_see_the_time_at_which_a_step_began(block: Track) -> None:
    seen: list[tuple[float, float]] = []

    class Spy:
        def for_car(self):  # type: ignore[no-untyped-def]
            return lambda params, now_s: seen.append((params["sim_time"], now_s)) or 1.0

    world = World(block, RaceSettings(step_jitter=0.2), 1, sensors=(), reward=Spy())
    world.reset()
    for _ in range(8):
        world.step([[0.0, 1.0]])
    began, ended = np.array(seen).T
    assert began[1:] == pytest.approx(ended[:-1])


def test_episodes_do_not_depend_on_the_number_of_cars(block: Track) -> None:
    settings = RaceSettings(
        step_jitter=0.2,
        randomised_pictures=True,
        randomised_latency_steps=2,
        randomised_steering=0.05,
        randomised_speed=0.05,
    )
    one, three = driven(block, settings, 1, 200), driven(block, settings, 3)
    assert len(three) >= 3
    for a, b in zip(one, three, strict=False):
        assert [row[:8] for row in a.rows] == [row[:8] for row in b.rows]
