"""A worker at the wheel: what it learns from is what the cars saw, did and got, in both ways of counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drcli.services.driving import Collector
from drcli.sim.race import Episode, RaceConfig
from drcli.train.ppo import Rollout

CARS = 3


class Spy:
    """Stands between a driver and its world and policy; keeps what each car saw, did and got."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.steps: list[list[tuple[Any, ...]]] = [[] for _ in driver.world.active]
        self.sizes: list[int] = []  # of the batches the policy decided on
        self.schedule: list[int] = []
        self._act, self._step = driver.policy.act, driver.world.step
        driver.policy.act, driver.world.step = self.act, self.step

    def act(self, obs: Any, greedy: bool = False, step: int = 0) -> Any:
        self._decision = self._act(obs, greedy, step)
        if not greedy:
            self._seen = obs.copy()
            self.sizes.append(len(obs))
            self.schedule.append(step)
        return self._decision

    def step(self, steering: Any, speed: Any, labels: Any) -> Any:
        cars = np.flatnonzero(self.driver.world.active)
        transition = self._step(steering, speed, labels)
        for row, car in enumerate(cars):
            done = transition.terminated[car] or transition.truncated[car]
            decision = [part[row] for part in self._decision]
            self.steps[car].append((self._seen[row], *decision, transition.rewards[car], done))
            expected = self.driver._space.commands(self._decision.actions[row : row + 1])
            assert (steering[car], speed[car]) == (expected.steering_deg[0], expected.speed_mps[0])
            assert labels[car] == expected.labels[0]
        return transition

    def check(self, rollout: Rollout, taken: list[list[tuple[Any, ...]]]) -> None:
        """The rollout is what the cars had in these steps, car after car."""
        driven = [steps for steps in taken if steps]
        assert rollout.lengths.tolist() == [len(steps) for steps in driven]
        flat = [step for steps in driven for step in steps]
        for name, part, expected in zip(Rollout._fields[:6], rollout, zip(*flat, strict=True), strict=False):
            np.testing.assert_array_equal(part, np.stack(expected), err_msg=name)


def rewards_of(episodes: list[Episode]) -> float:
    return sum(row.reward for episode in episodes for row in episode.rows)


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_steps_go_on_where_the_last_assignment_ended(new_driver: Callable[..., Any], kind: str) -> None:
    spy = Spy(new_driver(CARS, kind))
    ticks: list[int] = []
    collector = Collector(spy.driver, lambda: ticks.append(1))
    episodes: list[Episode] = []
    before = [0] * CARS
    for number in range(5):
        rollout, ended = collector.steps(9, step=number * 27)
        episodes += ended
        spy.check(rollout, [steps[start:] for steps, start in zip(spy.steps, before, strict=True)])
        assert rollout.lengths.tolist() == [9] * CARS
        before = [len(steps) for steps in spy.steps]
        bootstrap = spy.driver.policy.act(spy.driver.obs, greedy=True).values
        np.testing.assert_array_equal(rollout.last_values, bootstrap)
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
def test_episodes_are_whole_and_shared_out(new_driver: Callable[..., Any], wanted: int) -> None:
    spy = Spy(new_driver(CARS))
    collector = Collector(spy.driver, lambda: None)
    rollout, episodes = collector.episodes(wanted, step=0, max_steps=0)
    spy.check(rollout, spy.steps)
    assert len(episodes) == wanted == rollout.dones.sum()
    per_car = np.bincount([episode.car for episode in episodes], minlength=CARS).tolist()
    assert per_car == [wanted // CARS + (car < wanted % CARS) for car in range(CARS)]
    assert rollout.dones[rollout.lengths.cumsum() - 1].all()  # so nobody needs a value of what comes next
    driven = sum(len(episode.rows) - 1 for episode in episodes)  # the prepare step is not learned from
    assert len(rollout.rewards) == driven == sum(spy.sizes)  # nor is a parked car decided for
    assert rewards_of(episodes) == pytest.approx(rollout.rewards.sum())
    assert not spy.driver.world.active.any()

    spy.steps = [[] for _ in range(CARS)]
    more, next_episodes = collector.episodes(wanted, step=0, max_steps=0)
    spy.check(more, spy.steps)
    assert sorted(episode.number for episode in next_episodes) == list(range(wanted, 2 * wanted))


def test_a_parked_car_costs_nothing(new_driver: Callable[..., Any]) -> None:
    spy = Spy(new_driver(CARS))
    collector = Collector(spy.driver, lambda: None)
    rollout, _ = collector.episodes(1, step=0, max_steps=0)
    assert set(spy.sizes) == {1}
    assert rollout.lengths.tolist() == [len(spy.sizes)]


def test_the_bound_limits_what_is_kept_not_what_is_driven(new_driver: Callable[..., Any]) -> None:
    """And the cut-off steps end in the value of what the cars saw next, not of where they came to."""
    spy = Spy(new_driver(CARS))
    collector = Collector(spy.driver, lambda: None)
    rollout, episodes = collector.episodes(CARS, step=100, max_steps=16)
    assert len(episodes) == CARS
    kept = rollout.lengths.tolist()
    assert kept == [6] * CARS  # the first number of whole steps that reaches 16
    spy.check(rollout, [steps[:6] for steps in spy.steps])
    assert not rollout.dones.any()
    values = [steps[6][3] for steps in spy.steps]
    np.testing.assert_array_equal(rollout.last_values, np.array(values, np.float32))
    assert max(spy.schedule) == 100 + 18


def test_steps_after_episodes_begin_anew(new_driver: Callable[..., Any]) -> None:
    collector = Collector(new_driver(CARS), lambda: None)
    collector.steps(3, 0)
    _, whole = collector.episodes(CARS, 0, 0)
    rollout, episodes = collector.steps(40, 0)
    assert rollout.lengths.tolist() == [40] * CARS
    assert min(episode.number for episode in episodes) > max(episode.number for episode in whole)
    assert all(episode.rows[0].steps == 1.0 for episode in episodes)


def test_the_same_seed_drives_the_same(new_driver: Callable[..., Any]) -> None:
    def harvest(seed: int) -> tuple[Rollout, list[list[Any]]]:
        rollout, episodes = Collector(new_driver(CARS, seed=seed), lambda: None).steps(30, 0)
        return rollout, [list(row[:-1]) for episode in episodes for row in episode.rows]

    one, same, other = harvest(3), harvest(3), harvest(4)
    for a, b in zip(one[0], same[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[1] == same[1]
    assert not np.array_equal(one[0].actions, other[0].actions)


def test_a_greedy_driver_is_not_led_by_chance(new_driver: Callable[..., Any]) -> None:
    runs = []
    for seed in (1, 2):
        driver = new_driver(CARS, "continuous", RaceConfig(spread_starts=True), seed)
        driver.reset([1] * CARS)
        actions = []
        while driver.world.active.any():
            cars, seen, decision, _ = driver.step(greedy=True)
            assert len(cars) == len(seen) == len(decision.actions)
            actions.append(decision.actions)
        runs.append(np.concatenate(actions))
    np.testing.assert_array_equal(*runs)
