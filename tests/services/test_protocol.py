"""What trainer and workers say to each other: every message over real sockets; nonsense is a WireError."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.services.driving import Collector
from drcli.services.protocol import (
    Alive,
    Collect,
    Evaluate,
    Evaluated,
    Experience,
    Failed,
    Goodbye,
    Leaving,
    Welcome,
    from_message,
    to_message,
)
from drcli.services.wire import Message, TrainerSocket, WireError, WireKeys, WorkerSocket
from drcli.sim.race import RaceConfig, Status, TraceRow

PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def ends() -> Iterator[tuple[TrainerSocket, WorkerSocket]]:
    keys = WireKeys.create()
    trainer = TrainerSocket("tcp://127.0.0.1:*", keys)
    endpoint = trainer._socket.getsockopt_string(32)  # where the system let it listen: LAST_ENDPOINT
    worker = WorkerSocket(endpoint, keys, b"worker")
    worker.send(Message("hello"))
    assert trainer.receive(PATIENCE_S)
    yield trainer, worker
    worker.close()
    trainer.close()


def to_trainer(ends: Any, value: Any) -> Any:
    ends[1].send(to_message(value))
    return from_message(ends[0].receive(PATIENCE_S)[1])


def to_worker(ends: Any, value: Any) -> Any:
    ends[0].send(b"worker", to_message(value))
    return from_message(ends[1].receive(PATIENCE_S))


@pytest.mark.parametrize(
    "value", [Alive(3, 16), Alive(-1, 16, "host"), Failed("reward.py:3: no", "Mend it."), Leaving()]
)
def test_plain_messages_of_workers(ends: Any, value: Any) -> None:
    assert to_trainer(ends, value) == value


@pytest.mark.parametrize(
    "value", [Welcome(2**32 - 1, 12, 3, is_e_greedy=True, e_greedy_value=0.25, epsilon_steps=9), Goodbye()]
)
def test_plain_messages_of_the_trainer(ends: Any, value: Any) -> None:
    assert to_worker(ends, value) == value


@pytest.mark.parametrize(
    "task",
    [Collect(2**48, "a-1", 16, 0, 1024, max_steps=7), Evaluate(2, "a-1", 5)],
    ids=["collect", "evaluate"],
)
def test_assignments_bring_weights_when_they_have_some(ends: Any, task: Any) -> None:
    assert to_worker(ends, task) == task
    weights = {"bfloat16:x": np.array([[1, -2]], np.int16), "y": np.array([0.5], np.float32)}
    there = to_worker(ends, replace(task, weights=weights))
    assert replace(there, weights={}) == task
    assert {name: array.tolist() for name, array in there.weights.items()} == {
        "bfloat16:x": [[1, -2]],
        "y": [0.5],
    }


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_experience_comes_through_with_every_row(
    ends: Any, new_driver: Callable[..., Any], kind: str
) -> None:
    driver = new_driver(3, kind, RaceConfig(alternate_driving_direction=True, number_of_resets=1))
    rollout, episodes = Collector(driver, lambda: None).steps(60, 0)
    assert {episode.is_reversed for episode in episodes} == {False, True}
    there = to_trainer(ends, Experience(5, rollout, tuple(episodes)))
    assert there.assignment == 5
    for name, sent, received in zip(rollout._fields, rollout, there.rollout, strict=True):
        np.testing.assert_array_equal(received, sent, err_msg=name)
        assert received.dtype == sent.dtype
    assert there.episodes == tuple(episodes)
    for episode in there.episodes:
        assert isinstance(episode.status, Status)
        assert all(isinstance(row, TraceRow) for row in episode.rows)
        assert [str(value) for value in episode.rows[-1][:-1]][9:11] == ["True", "False"]
    labels = {type(row.action) for episode in there.episodes for row in episode.rows}
    assert labels == ({int} if kind == "discrete" else {str})


def test_an_evaluation_comes_through_without_rows(ends: Any, new_driver: Callable[..., Any]) -> None:
    _, episodes = Collector(new_driver(2), lambda: None).episodes(2, 0, 0)
    short = tuple(replace(episode, rows=[]) for episode in episodes)
    assert to_trainer(ends, Evaluated(9, short)) == Evaluated(9, short)


@pytest.fixture(scope="module")
def experience(new_driver: Callable[..., Any]) -> Message:
    driver = new_driver(2)
    return to_message(Experience(1, *Collector(driver, lambda: None).episodes(2, 0, 0)))  # type: ignore[arg-type]


def with_array(message: Message, name: str, change: Callable[[Any], Any]) -> Message:
    return replace(message, arrays={**message.arrays, name: change(message.arrays[name])})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("obs", lambda a: a[:-1]),
        ("obs", lambda a: a.astype(np.int16)),
        ("obs", lambda a: a[:, :60]),
        ("obs", lambda a: a.reshape(-1)),
        ("actions", lambda a: a[:-1]),
        ("actions", lambda a: a.astype(np.float64)),
        ("actions", lambda a: a.astype(np.float32)),
        ("actions", lambda a: np.zeros((len(a), 3), np.float32)),
        ("logprobs", lambda a: a[:, None]),
        ("values", lambda a: a.astype(np.float64)),
        ("rewards", lambda a: a[0]),
        ("rewards", lambda a: a[:0]),
        ("dones", lambda a: a.astype(np.uint8)),
        ("lengths", lambda a: a + 1),
        ("lengths", lambda a: np.array([a.sum() + 1, -1])),
        ("lengths", lambda a: np.array([a.sum(), 0])),
        ("lengths", lambda a: a[:0]),
        ("last_values", lambda a: a[:1]),
    ],
)
def test_a_rollout_that_does_not_fit_is_dropped(experience: Message, name: str, change: Any) -> None:
    assert isinstance(from_message(experience), Experience)
    with pytest.raises(WireError):
        from_message(with_array(experience, name, change))


def test_parts_that_lack_or_are_too_many(experience: Message) -> None:
    without = {name: array for name, array in experience.arrays.items() if name != "dones"}
    for arrays in (without, {}, {**experience.arrays, "more": np.zeros(1)}):
        with pytest.raises(WireError):
            from_message(replace(experience, arrays=arrays))


WRONG = [
    Message("malformed"),
    Message("unheard of", {"episodes": []}),
    Message("alive"),
    Message("alive", {"index": "0", "num_cars": 4}),
    Message("alive", {"index": 0, "num_cars": None}),
    Message("alive", {"index": 0, "num_cars": 4, "more": 1}),
    Message("alive", {"index": 0.5, "num_cars": 4}),
    Message("alive", {0: 0, "num_cars": 4}),
    Message("failed", {"message": 5, "hint": ""}),
    Message("welcome", {"seed": 1, "episodes_done": 0, "e_greedy_value": float("nan")}),
    Message("experience", {"assignment": 1, "episodes": []}),
    Message("evaluated", {"assignment": 1, "episodes": []}),
    Message("evaluated", {"assignment": 1, "episodes": 3}),
    Message("evaluated", {"assignment": 1, "episodes": [[1, 2]]}),
    Message("collect", {"assignment": [], "policy": "", "steps_per_car": 1, "episodes": 0, "step": 0}),
]


@pytest.mark.parametrize("message", WRONG, ids=lambda message: f"{message.kind}-{message.header}")
def test_headers_that_make_no_sense(message: Message) -> None:
    with pytest.raises(WireError):
        from_message(message)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values, rows, laps: values.pop(),
        lambda values, rows, laps: values.__setitem__(0, "car"),
        lambda values, rows, laps: values.__setitem__(-2, "asleep"),
        lambda values, rows, laps: values.__setitem__(5, float("nan")),
        lambda values, rows, laps: rows.append([1, 2, 3]),
        lambda values, rows, laps: rows.append(None),
        lambda values, rows, laps: laps.append([]),
        lambda values, rows, laps: laps[0].__setitem__(1, "all of it"),
    ],
)
def test_episodes_that_make_no_sense(experience: Message, spoil: Any) -> None:
    episodes = to_message(from_message(experience)).header["episodes"]
    spoil(*episodes[0])
    with pytest.raises(WireError):
        from_message(replace(experience, header={"assignment": 1, "episodes": episodes}))


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
kinds = st.sampled_from(["alive", "failed", "welcome", "collect", "evaluate", "evaluated", "experience"])
names = st.sampled_from(["index", "num_cars", "message", "hint", "assignment", "episodes", "policy", "seed"])


@given(kinds, st.dictionaries(names, anything, max_size=5))
def test_any_header_is_a_value_or_a_wire_error(kind: str, header: dict[str, Any]) -> None:
    with suppress(WireError):
        from_message(Message(kind, header))
