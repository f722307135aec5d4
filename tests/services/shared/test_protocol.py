"""What trainer and workers say to each other: every message over real sockets; nonsense is a WireError."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polling import DEADLINE_S

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status, TraceRow
from drcli.services.shared.protocol import (
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
    from_worker,
)
from drcli.services.shared.wire import Message, TrainerSocket, WireError, WorkerSocket
from drcli.services.shared.wire_keys import WireKeys
from drcli.train.rollout import RolloutSpec

IMAGES = "obs/FRONT_FACING_CAMERA"


@pytest.fixture(scope="module")
def ends() -> Iterator[tuple[TrainerSocket, WorkerSocket]]:
    keys = WireKeys.create()
    trainer = TrainerSocket("tcp://127.0.0.1:*", keys)
    endpoint = trainer._socket.getsockopt_string(32)  # where the system let it listen: LAST_ENDPOINT
    worker = WorkerSocket(endpoint, keys, b"worker")
    worker.send(Message("hello"))
    assert trainer.receive(DEADLINE_S)
    yield trainer, worker
    worker.close()
    trainer.close()


NO_ROLLOUTS = RolloutSpec((), (), np.dtype(np.int64))


def to_trainer(ends: Any, value: Any, expected: RolloutSpec = NO_ROLLOUTS) -> Any:
    ends[1].send(value.to_message())
    return from_worker(ends[0].receive(DEADLINE_S)[1], lambda assignment: expected)


def to_worker(ends: Any, value: Any) -> Any:
    ends[0].send(b"worker", value.to_message())
    return from_trainer(ends[1].receive(DEADLINE_S))


@pytest.mark.parametrize(
    "value", [Alive(3, 16), Alive(-1, 16, "host"), Failed("reward.py:3: no", "Fix it."), Leaving()]
)
def test_plain_messages_of_workers(ends: Any, value: Any) -> None:
    assert to_trainer(ends, value) == value


@pytest.mark.parametrize("value", [Welcome(2**32 - 1, 12, 3, '{"lr": 0.1}'), Goodbye()])
def test_plain_messages_of_the_trainer(ends: Any, value: Any) -> None:
    assert to_worker(ends, value) == value


@pytest.mark.parametrize(
    "task",
    [
        Collect(2**48, "a-1", 16, 0, 1024, max_steps=7, seat="student"),
        Evaluate(2, "a-1", 5, perturbed=20, noise=0.03, part=1, parts=3, seat="teacher"),
    ],
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
    ends: Any, new_driver: Callable[..., Any], new_collector: Callable[..., Any], kind: str
) -> None:
    driver = new_driver(3, kind, RaceSettings(alternate_driving_direction=True, number_of_resets=1))
    collector = new_collector(driver, kind)
    rollout, episodes = collector.steps(60, 0)
    assert {episode.is_reversed for episode in episodes} == {False, True}
    there = to_trainer(ends, Experience(5, rollout, tuple(episodes), 0.25), collector._spec)
    assert (there.assignment, there.reward_ms) == (5, 0.25)
    for name, sent in rollout.arrays().items():
        received = there.rollout.arrays()[name]
        np.testing.assert_array_equal(received, sent, err_msg=name)
        assert received.dtype == sent.dtype
    assert there.episodes == tuple(episodes)
    for episode in there.episodes:
        assert isinstance(episode.status, Status)
        assert all(isinstance(row, TraceRow) for row in episode.rows)
        assert [str(value) for value in episode.rows[-1][:-1]][9:11] == ["True", "False"]
    labels = {type(row.action) for episode in there.episodes for row in episode.rows}
    assert labels == ({int} if kind == "discrete" else {str})


def test_an_evaluation_comes_through_without_rows(
    ends: Any, new_driver: Callable[..., Any], new_collector: Callable[..., Any]
) -> None:
    _, episodes = new_collector(new_driver(2)).episodes(2, 0, 0)
    short = tuple(replace(episode, rows=[]) for episode in episodes)
    assert to_trainer(ends, Evaluated(9, short[:1], short)) == Evaluated(9, short[:1], short)


@pytest.fixture(scope="module")
def experience(new_driver: Callable[..., Any], new_collector: Callable[..., Any]) -> Message:
    rollout, episodes = new_collector(new_driver(2)).episodes(2, 0, 0)
    return Experience(1, rollout, tuple(episodes)).to_message()


def with_array(message: Message, name: str, change: Callable[[Any], Any]) -> Message:
    return replace(message, arrays={**message.arrays, name: change(message.arrays[name])})


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (IMAGES, lambda a: a[:-1]),
        (IMAGES, lambda a: a.astype(np.int16)),
        (IMAGES, lambda a: a[:, :, :60]),
        (IMAGES, lambda a: a.reshape(-1)),
        (f"last_{IMAGES}", lambda a: a[:1]),
        ("actions", lambda a: a[:-1]),
        ("actions", lambda a: a.astype(np.float64)),
        ("actions", lambda a: a.astype(np.float32)),
        ("actions", lambda a: np.zeros((*a.shape, 3), np.float32)),
        ("extras/logprobs", lambda a: a[:, None]),
        ("extras/values", lambda a: a.astype(np.float64)),
        ("rewards", lambda a: a[0]),
        ("rewards", lambda a: a[:0]),
        ("rewards", lambda a: a[:, :0]),
        ("rewards", lambda a: a.sum()),
        ("rewards", lambda a: np.zeros((0, 2**40), np.float32)),
        ("dones", lambda a: a.astype(np.uint8)),
        ("valid", lambda a: np.zeros_like(a)),
        ("valid", lambda a: a[:, :1]),
        ("last_extras/values", lambda a: a[:1]),
    ],
)
def test_a_rollout_that_does_not_fit_is_dropped(
    experience: Message, rollout_spec: RolloutSpec, name: str, change: Any
) -> None:
    assert isinstance(from_worker(experience, lambda assignment: rollout_spec), Experience)
    with pytest.raises(WireError):
        from_worker(with_array(experience, name, change), lambda assignment: rollout_spec)


@pytest.mark.parametrize("name", ["dones", IMAGES, f"last_{IMAGES}", "extras/values", "last_extras/values"])
def test_a_part_that_is_missing(experience: Message, rollout_spec: RolloutSpec, name: str) -> None:
    without = {key: array for key, array in experience.arrays.items() if key != name}
    assert len(without) == len(experience.arrays) - 1
    with pytest.raises(WireError):
        from_worker(replace(experience, arrays=without), lambda assignment: rollout_spec)


@pytest.mark.parametrize("name", ["more", "obs/LIDAR", "extras/more", "obs", "more/obs", "/", ""])
def test_a_part_too_many(experience: Message, rollout_spec: RolloutSpec, name: str) -> None:
    arrays = {**experience.arrays, name: np.zeros(1)}
    for parts in (arrays, {}):
        with pytest.raises(WireError):
            from_worker(replace(experience, arrays=parts), lambda assignment: rollout_spec)


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
    Message("welcome", {"seed": 1, "episodes_done": 0, "index": 0, "hyperparameters": {}}),
    Message("welcome", {"seed": float("nan"), "episodes_done": 0, "index": 0}),
    Message("experience", {"assignment": 1, "episodes": [], "reward_ms": 0.1}),
    Message("evaluated", {"assignment": 1, "episodes": [], "perturbed": []}),
    Message("evaluated", {"assignment": 1, "episodes": 3, "perturbed": []}),
    Message("evaluated", {"assignment": 1, "episodes": [], "perturbed": 3}),
    Message("evaluated", {"assignment": 1, "episodes": [[1, 2]], "perturbed": []}),
    Message("collect", {"assignment": [], "policy": "", "steps_per_car": 1, "episodes": 0, "step": 0}),
]


@pytest.mark.parametrize("message", WRONG, ids=lambda message: f"{message.kind}-{message.header}")
def test_headers_that_make_no_sense(message: Message) -> None:
    for parse in (from_trainer, partial(from_worker, expected=lambda assignment: None)):
        with pytest.raises(WireError):
            parse(message)


def test_nobody_says_what_is_for_the_other_to_say() -> None:
    with pytest.raises(WireError):
        from_trainer(Alive(1, 4).to_message())
    with pytest.raises(WireError):
        from_worker(Welcome(1, 1, 1).to_message(), lambda assignment: None)


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
def test_episodes_that_make_no_sense(experience: Message, rollout_spec: RolloutSpec, spoil: Any) -> None:
    episodes = from_worker(experience, lambda assignment: rollout_spec).to_message().header["episodes"]
    spoil(*episodes[0])
    with pytest.raises(WireError):
        header = {**experience.header, "episodes": episodes}
        from_worker(replace(experience, header=header), lambda assignment: rollout_spec)


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
kinds = st.sampled_from(["alive", "failed", "welcome", "collect", "evaluate", "evaluated", "experience"])
names = st.sampled_from(["index", "num_cars", "message", "hint", "assignment", "episodes", "policy", "seed"])


@given(kinds, st.dictionaries(names, anything, max_size=5))
def test_any_header_is_a_value_or_a_wire_error(kind: str, header: dict[str, Any]) -> None:
    with suppress(WireError):
        from_worker(Message(kind, header), lambda assignment: None)
    with suppress(WireError):
        from_trainer(Message(kind, header))
