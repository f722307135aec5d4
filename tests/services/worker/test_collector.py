"""A worker at the wheel: what it learns from is what the cars saw, did and got, in both ways of counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.sim.worlds import Worlds
from drcli.train.rollout import Rollout

CARS = 3
CAMERA = "FRONT_FACING_CAMERA"
PARTS = ("obs", "actions", "logprobs", "values", "rewards", "dones")


class Spy:
    """Stands between a driver and its world and actor; keeps what each car saw, did and got."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.steps: list[list[tuple[Any, ...]]] = [[] for _ in driver.world.active]
        self.sizes: list[int] = []  # of the batches the policy decided on
        self.schedule: list[int] = []
        self._act, self._step = driver.actor.act, driver.world.step
        driver.actor.act, driver.world.step = self.act, self.step

    def act(self, obs: Any, greedy: bool = False, step: int = 0) -> Any:
        self._decision = self._act(obs, greedy, step)
        if not greedy:
            self._seen = obs[CAMERA].copy()
            self.sizes.append(len(self._seen))
            self.schedule.append(step)
        return self._decision

    def step(self, actions: Any, labels: Any) -> Any:
        cars = np.flatnonzero(self.driver.world.active)
        transition = self._step(actions, labels)
        decision = self._decision
        for row, car in enumerate(cars):
            done = transition.terminated[car] or transition.truncated[car]
            extras = (decision.extras[name][row] for name in ("logprobs", "values"))
            self.steps[car].append(
                (self._seen[row], decision.actions[row], *extras, transition.rewards[car], done)
            )
            expected = self.driver._head.commands(decision.actions[row : row + 1])
            assert tuple(actions[car]) == (expected.steering_deg[0], expected.speed_mps[0])
            assert labels[car] == expected.labels[0]
        return transition

    def check(self, rollout: Rollout, taken: list[list[tuple[Any, ...]]]) -> None:
        """The rollout is what the cars had in these steps."""
        assert lengths(rollout) == [len(steps) for steps in taken]
        parts = (rollout.obs[CAMERA], rollout.actions, rollout.extras["logprobs"], rollout.extras["values"])
        for name, part, position in zip(
            PARTS, (*parts, rollout.rewards, rollout.dones), range(6), strict=True
        ):
            for car, steps in enumerate(taken):
                if steps:
                    expected = np.stack([step[position] for step in steps])
                    np.testing.assert_array_equal(part[rollout.valid[:, car], car], expected, err_msg=name)


def lengths(rollout: Rollout) -> list[int]:
    """How many steps each car has driven."""
    counts: list[int] = rollout.valid.sum(0).tolist()
    return counts


def rewards_of(episodes: list[Episode]) -> float:
    return sum(row.reward for episode in episodes for row in episode.rows)


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_steps_go_on_where_the_last_assignment_ended(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any], kind: str
) -> None:
    spy = Spy(new_driver(CARS, kind))
    ticks: list[int] = []
    collector = new_collector(spy.driver, kind, lambda: ticks.append(1))
    episodes: list[Episode] = []
    before = [0] * CARS
    for number in range(5):
        rollout, ended = collector.steps(9, step=number * 27)
        episodes += ended
        spy.check(rollout, [steps[start:] for steps, start in zip(spy.steps, before, strict=True)])
        assert lengths(rollout) == [9] * CARS
        before = [len(steps) for steps in spy.steps]
        bootstrap = spy.driver.actor.act(spy.driver.obs, greedy=True).extras["values"]
        np.testing.assert_array_equal(rollout.last_extras["values"], bootstrap)
        np.testing.assert_array_equal(rollout.last_obs[CAMERA], spy.driver.obs[CAMERA])
    assert len(ticks) == 45
    assert spy.schedule == [number * 27 + 3 * k for number in range(5) for k in range(9)]
    assert any(len(episode.rows) > 10 for episode in episodes)  # it began in one assignment, ended in another
    for episode in episodes:
        steps = [row.steps for row in episode.rows]
        assert steps == list(map(float, range(1, len(steps) + 1)))
    dones = sum(done for steps in spy.steps for *_, done in steps)
    assert dones == len(episodes)
    assert [e.number for e in sorted(episodes, key=lambda e: e.number)] == list(range(len(episodes)))


@pytest.mark.parametrize("wanted", [1, 2, 3, 7])
def test_episodes_are_whole_and_shared_out(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any], wanted: int
) -> None:
    spy = Spy(new_driver(CARS))
    collector = new_collector(spy.driver)
    rollout, episodes = collector.episodes(wanted, step=0, max_steps=0)
    spy.check(rollout, spy.steps)
    assert len(episodes) == wanted == rollout.dones.sum()
    per_car = np.bincount([episode.car for episode in episodes], minlength=CARS).tolist()
    assert per_car == [wanted // CARS + (car < wanted % CARS) for car in range(CARS)]
    for car, length in enumerate(lengths(rollout)):  # so nobody needs a value of what comes next
        assert rollout.valid[:length, car].all()
        assert not length or rollout.dones[length - 1, car]
    driven = sum(len(episode.rows) - 1 for episode in episodes)  # the prepare step is not learned from
    assert rollout.num_steps == driven == sum(spy.sizes)  # nor is a parked car decided for
    assert rewards_of(episodes) == pytest.approx(rollout.rewards[rollout.valid].sum())
    assert not spy.driver.world.active.any()

    spy.steps = [[] for _ in range(CARS)]
    more, next_episodes = collector.episodes(wanted, step=0, max_steps=0)
    spy.check(more, spy.steps)
    assert sorted(episode.number for episode in next_episodes) == list(range(wanted, 2 * wanted))


def test_several_worlds_are_driven_as_one(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    driver = new_driver(2)
    driver.world = Worlds([driver.world, new_driver(1, race=RaceSettings(reverse_dir=True)).world])
    spy = Spy(driver)
    collector = new_collector(driver)
    rollout, episodes = collector.episodes(4, step=0, max_steps=0)
    spy.check(rollout, spy.steps)
    assert sorted((episode.number, episode.car) for episode in episodes) == [(0, 0), (1, 1), (2, 2), (3, 0)]
    assert [episode.is_reversed for episode in episodes if episode.car == 2] == [True]
    assert collector.steps(5, step=0)[0].num_steps == 15


def test_a_parked_car_costs_nothing(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    spy = Spy(new_driver(CARS))
    collector = new_collector(spy.driver)
    rollout, _ = collector.episodes(1, step=0, max_steps=0)
    assert set(spy.sizes) == {1}
    assert lengths(rollout) == [len(spy.sizes), 0, 0]


def test_the_bound_limits_what_is_kept_not_what_is_driven(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    """And the cut-off steps end in the value of what the cars saw next, not of where they came to."""
    spy = Spy(new_driver(CARS))
    collector = new_collector(spy.driver)
    rollout, episodes = collector.episodes(CARS, step=100, max_steps=16)
    assert len(episodes) == CARS
    kept = lengths(rollout)
    assert kept == [6] * CARS  # the first number of whole steps that reaches 16
    spy.check(rollout, [steps[:6] for steps in spy.steps])
    assert not rollout.dones.any()
    values = [steps[6][3] for steps in spy.steps]
    np.testing.assert_array_equal(rollout.last_extras["values"], np.array(values, np.float32))
    np.testing.assert_array_equal(rollout.last_obs[CAMERA], np.stack([steps[6][0] for steps in spy.steps]))
    assert max(spy.schedule) == 100 + 18


def test_steps_after_episodes_begin_anew(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    collector = new_collector(new_driver(CARS))
    collector.steps(3, 0)
    _, whole = collector.episodes(CARS, 0, 0)
    rollout, episodes = collector.steps(40, 0)
    assert lengths(rollout) == [40] * CARS
    assert min(episode.number for episode in episodes) > max(episode.number for episode in whole)
    assert all(episode.rows[0].steps == 1.0 for episode in episodes)


def test_the_same_seed_drives_the_same(
    new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    def drive(seed: int) -> tuple[Rollout, list[list[Any]]]:
        rollout, episodes = new_collector(new_driver(CARS, seed=seed)).steps(30, 0)
        return rollout, [list(row[:-1]) for episode in episodes for row in episode.rows]

    one, same, other = drive(3), drive(3), drive(4)
    for name, array in one[0].arrays().items():
        np.testing.assert_array_equal(array, same[0].arrays()[name])
    assert one[1] == same[1]
    assert not np.array_equal(one[0].actions, other[0].actions)


def test_a_greedy_driver_is_not_led_by_chance(new_driver: Callable[..., Any]) -> None:
    runs = []
    for seed in (1, 2):
        driver = new_driver(CARS, "continuous", RaceSettings(spread_starts=True), seed)
        driver._is_evaluation = True
        driver.reset([1] * CARS)
        actions = []
        while driver.world.active.any():
            driven = driver.step()
            assert len(driven.cars) == len(driven.obs[CAMERA]) == len(driven.decision.actions)
            actions.append(driven.decision.actions)
        runs.append(np.concatenate(actions))
    np.testing.assert_array_equal(*runs)
