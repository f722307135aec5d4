"""The workers of a run as the trainer knows them: they that join, restart, go silent; each result counts once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import zmq
from polling import DEADLINE_S

from drcli.errors import DrError
from drcli.services.shared.protocol import (
    POLICY,
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    Leaving,
    Welcome,
    from_trainer,
)
from drcli.services.shared.wire import Message, TrainerSocket, WorkerSocket
from drcli.services.shared.wire_keys import WireKeys
from drcli.services.trainer.worker_registry import WorkerRegistry
from drcli.train.rollout import RolloutSpec


@pytest.fixture(scope="module")
def collected(new_driver: Callable[..., Any], new_collector: Callable[..., Any]) -> Any:
    """A rollout and its episodes."""
    return new_collector(new_driver(2)).episodes(2, 0, 0)


class Hand:
    """A worker whose every word the test says."""

    def __init__(self, endpoint: str, keys: WireKeys, name: str, index: int) -> None:
        self.name, self.index = name, index
        self._socket = WorkerSocket(endpoint, keys, name.encode())

    def say(self, value: Any) -> None:
        self._socket.send(value.to_message())

    def alive(self) -> None:
        self.say(Alive(self.index, 4))

    def hear(self) -> Any:
        message = self._socket.receive(DEADLINE_S)
        assert message, f"{self.name} hears nothing"
        return from_trainer(message)

    @property
    def hears_nothing(self) -> bool:
        return self._socket.receive(0.05) is None

    def close(self) -> None:
        self._socket.close()


class Stage:
    """A registry, its workers, and what came of them."""

    def __init__(self, collected: Any, spec: RolloutSpec) -> None:
        self._spec = spec
        self._keys = WireKeys.create()
        self._socket = TrainerSocket("tcp://127.0.0.1:*", self._keys)
        self._endpoint = self._socket._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._collected = collected
        self._hands: list[Hand] = []
        self.said: list[str] = []
        self.results: list[tuple[int, int]] = []  # worker and assignment
        self.workers = self.new_registry()

    def new_registry(self, silence_s: float = 1000.0) -> WorkerRegistry:
        self.workers = WorkerRegistry(
            self._socket,
            {POLICY: self._spec},
            lambda index: Welcome(7, index, index),
            self.said.append,
            silence_s,
        )
        return self.workers

    def hand(self, name: str, index: int = 0) -> Hand:
        """A worker that has said hello and was welcomed."""
        hand, welcome = self.meet(name, Alive(index, 4))
        assert welcome == Welcome(7, index, index)
        return hand

    def container(self, identity: str, host: str) -> tuple[Hand, int]:
        """A worker that does not know its index, and the one it was given."""
        hand, welcome = self.meet(identity, Alive(-1, 4, host))
        return hand, welcome.index

    def meet(self, name: str, alive: Alive) -> tuple[Hand, Welcome]:
        hand = Hand(self._endpoint, self._keys, name, alive.index)
        self._hands.append(hand)
        hand.say(alive)
        self.poll(lambda: any(worker.identity == name.encode() for worker in self.workers.present))
        return hand, hand.hear()

    def poll(self, condition: Callable[[], Any] = lambda: True) -> None:
        """Poll the registry until `condition` holds, and all that has arrived is handled."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            for worker, result in self.workers.poll(0.02):
                self.results.append((worker.index, result.assignment))
            if condition():
                return
        raise AssertionError(f"it did not happen; {self.said}")

    def experience(self, number: int) -> Experience:
        rollout, episodes = self._collected
        return Experience(number, rollout, tuple(episodes))

    def evaluated(self, number: int) -> Evaluated:
        return Evaluated(number, tuple(self._collected[1]))

    def close(self) -> None:
        for hand in self._hands:
            hand.close()
        self._socket.close()


@pytest.fixture
def stage(collected: Any, rollout_spec: RolloutSpec) -> Iterator[Stage]:
    stage = Stage(collected, rollout_spec)
    yield stage
    stage.close()


def collect(number: int, policy: str = "p-0") -> Collect:
    return Collect(number, policy, 16, 0, 0, weights={policy: np.zeros(3, np.float32)})


def evaluation(number: int, policy: str = "p-0") -> Evaluate:
    return Evaluate(number, policy, 2, weights={policy: np.zeros(3, np.float32)})


def test_assignments_go_to_the_lowest_index_first_and_wait_for_those_who_come_late(stage: Stage) -> None:
    first = stage.hand("b", index=1)
    zeroth = stage.hand("a", index=0)
    assert [worker.index for worker in stage.workers.present] == [0, 1]
    stage.workers.give([collect(1), collect(2), collect(3)])
    one, two = zeroth.hear(), first.hear()
    assert zeroth.hears_nothing
    assert first.hears_nothing
    third = stage.hand("c", index=2)
    for hand, task in ((third, third.hear()), (first, two), (zeroth, one)):
        hand.say(stage.experience(task.assignment))
    stage.poll(lambda: len(stage.results) == 3)
    assert sorted(stage.results) == [(0, 1), (1, 2), (2, 3)]


def test_weights_go_only_to_a_worker_with_another_policy(stage: Stage) -> None:
    hand = stage.hand("a")

    def give(task: Collect | Evaluate) -> set[str]:
        stage.workers.give([task])
        heard = hand.hear()
        assert heard.policy == task.policy
        is_collect = isinstance(heard, Collect)
        hand.say((stage.experience if is_collect else stage.evaluated)(heard.assignment))
        stage.poll(lambda: not stage.workers.present[0].tasks)
        return set(heard.weights)

    assert give(collect(1)) == {"p-0"}
    assert give(collect(2)) == set()
    assert give(evaluation(3)) == set()
    assert give(collect(4, "p-1")) == {"p-1"}
    assert give(evaluation(5, "p-1")) == set()
    assert give(evaluation(6, "p-0")) == {"p-0"}
    assert give(collect(7, "p-1")) == {"p-1"}


def test_collecting_and_evaluating_go_on_side_by_side_but_one_of_each(stage: Stage) -> None:
    hand = stage.hand("a")
    stage.workers.give([evaluation(1), collect(2), evaluation(3), collect(4)])
    evaluate, drive = hand.hear(), hand.hear()
    assert isinstance(evaluate, Evaluate)
    assert isinstance(drive, Collect)
    assert hand.hears_nothing
    hand.say(stage.experience(drive.assignment))
    stage.poll(lambda: stage.results)
    assert isinstance(hand.hear(), Collect)
    hand.say(stage.evaluated(evaluate.assignment))
    stage.poll(lambda: len(stage.results) == 2)
    assert isinstance(hand.hear(), Evaluate)
    assert stage.results == [(0, 2), (0, 1)]


def test_an_evaluation_that_goes_out_again_is_of_the_policy_it_names(stage: Stage) -> None:
    """Meanwhile the others have a newer one."""
    zeroth, first = stage.hand("a"), stage.hand("b", index=1)
    stage.workers.give([evaluation(1, "p-5"), collect(2, "p-5"), collect(3, "p-5")])
    assert zeroth.hear().weights.keys() == {"p-5"}
    for hand in (zeroth, first):
        hand.say(stage.experience(hand.hear().assignment))
    stage.poll(lambda: len(stage.results) == 2)
    stage.workers.give([collect(4, "p-6"), collect(5, "p-6")])
    assert first.hear().weights.keys() == {"p-6"}
    again = stage.hand("a again")
    tasks = [again.hear(), again.hear()]
    assert {type(task): set(task.weights) for task in tasks} == {Evaluate: {"p-5"}, Collect: {"p-6"}}


def test_a_worker_that_was_started_again_gets_its_assignment_again(stage: Stage) -> None:
    before = stage.hand("before")
    stage.workers.give([collect(1), evaluation(2)])
    old = before.hear()
    assert isinstance(before.hear(), Evaluate)
    after = stage.hand("after")
    assert "was restarted; reassigned: 2" in stage.said[-2]
    new, more = after.hear(), after.hear()
    assert (type(new), type(more)) == (Collect, Evaluate)
    assert new.weights
    assert new.assignment != old.assignment

    before.say(stage.experience(old.assignment))  # the old one was not quite dead
    before.say(stage.experience(new.assignment))
    after.say(stage.experience(old.assignment))
    after.say(stage.experience(new.assignment))
    after.say(stage.experience(new.assignment))
    after.say(stage.evaluated(more.assignment))
    stage.poll(lambda: len(stage.results) == 2)
    assert stage.results == [(0, 1), (0, 2)]


def test_a_silent_worker_loses_its_assignment_to_another(stage: Stage) -> None:
    registry = stage.new_registry(silence_s=0.3)
    silent, other = stage.hand("silent", index=0), stage.hand("other", index=1)
    registry.give([collect(1), collect(2)])
    lost, own = silent.hear(), other.hear()
    other.say(stage.experience(own.assignment))

    def until_dropped() -> bool:
        other.alive()
        return len(registry.present) == 1

    stage.poll(until_dropped)
    assert any("Worker 0 has been silent for 0.3 s; reassigned: 1." in s for s in stage.said)
    again = other.hear()
    silent.say(stage.experience(lost.assignment))  # late
    other.say(stage.experience(again.assignment))
    stage.poll(lambda: len(stage.results) == 2)
    silent.alive()
    stage.poll(lambda: len(registry.present) == 2)
    assert silent.hear() == Welcome(7, 0, 0)  # it begins from scratch
    silent.say(stage.experience(lost.assignment))
    silent.say(stage.experience(again.assignment))
    stage.poll()
    assert sorted(stage.results) == [(1, 1), (1, 2)]


def test_results_for_an_earlier_trainer_are_ignored(stage: Stage) -> None:
    """A trainer that was restarted counts its assignments from 1, too."""
    hand = stage.hand("a")
    stage.workers.give([collect(1)])
    before = hand.hear()
    stage.new_registry()
    hand.alive()
    stage.poll(lambda: stage.workers.present)
    assert hand.hear() == Welcome(7, 0, 0)
    stage.workers.give([collect(1)])
    now = hand.hear()
    assert now.weights
    hand.say(stage.experience(before.assignment))
    hand.say(stage.experience(now.assignment))
    stage.poll(lambda: stage.results)
    stage.poll()
    assert stage.results == [(0, 1)]


def test_nonsense_is_reported_and_nothing_else_happens(stage: Stage) -> None:
    hand = stage.hand("a")
    stage.workers.give([collect(1)])
    task = hand.hear()
    experience = stage.experience(task.assignment).to_message()
    wrong = {**experience.arrays, "rewards": experience.arrays["rewards"][:-1]}
    for message in (
        Message("who knows"),
        Message("alive", {"index": None, "num_cars": 1}),
        Message("experience", experience.header, wrong),
        Message("experience", {**experience.header, "assignment": []}, experience.arrays),
        Welcome(1, 1, 1).to_message(),  # only trainers say that
        collect(9).to_message(),
    ):
        hand._socket.send(message)
    hand.say(stage.experience(task.assignment))
    stage.poll(lambda: stage.results)
    assert stage.results == [(0, 1)]
    assert sum("A malformed message was dropped" in text for text in stage.said) == 6


def test_an_error_that_the_user_has_to_fix_ends_it(stage: Stage) -> None:
    hand = stage.hand("a")
    hand.say(Failed("reward.py:3: ZeroDivisionError", "Mind the zero."))
    with pytest.raises(DrError, match=r"reward\.py:3") as error:
        stage.poll(lambda: False)
    assert error.value.hint == "Mind the zero."


def test_everybody_is_sent_home(stage: Stage) -> None:
    hands = [stage.hand("a"), stage.hand("b", index=1)]
    stage.workers.dismiss()
    assert [hand.hear() for hand in hands] == [Goodbye(), Goodbye()]


def test_who_has_no_index_is_given_one_by_name(stage: Stage) -> None:
    stage.hand("process", index=1)
    hosts = {host: stage.container(f"{host} 1", host) for host in ("x", "y")}
    assert [index for _, index in hosts.values()] == [0, 2]
    assert stage.said[-1] == "Worker 2 has joined with 4 cars (y)."
    stage.workers.give([collect(1)])
    hosts["x"][0].hear()
    again, index = stage.container("x 2", "x")  # its container was killed and started again
    assert index == 0
    assert isinstance(again.hear(), Collect)
    assert "Worker 0 was restarted; reassigned: 1." in stage.said
    assert [worker.index for worker in stage.workers.present] == [0, 1, 2]


def test_an_index_waits_for_who_is_away_but_not_for_who_has_left(stage: Stage) -> None:
    registry = stage.new_registry(silence_s=0.3)
    away, left = stage.container("away 1", "away"), stage.container("left 1", "left")
    assert (away[1], left[1]) == (0, 1)
    left[0].say(Leaving())
    stage.poll(lambda: not registry.present)
    assert any("Worker 0 has been silent" in text for text in stage.said)
    assert stage.container("new 1", "new")[1] == 1
    assert stage.container("away 2", "away")[1] == 0
    assert stage.container("left 2", "left")[1] == 2


def test_what_a_worker_had_that_leaves_goes_out_again_at_once(stage: Stage) -> None:
    leaving, other = stage.hand("leaving", index=0), stage.hand("other", index=1)
    stage.workers.give([collect(1), collect(2)])
    lost, own = leaving.hear(), other.hear()
    leaving.say(Leaving())
    leaving.say(stage.experience(lost.assignment))  # too late
    other.say(stage.experience(own.assignment))
    stage.poll(lambda: stage.results and len(stage.said) == 3)  # messages of two workers arrive in any order
    assert "Worker 0 has left; reassigned: 1." in stage.said
    other.say(stage.experience(other.hear().assignment))
    stage.poll(lambda: len(stage.results) == 2)
    leaving.say(Leaving())
    stage.poll()
    assert stage.results == [(1, 2), (1, 1)]
