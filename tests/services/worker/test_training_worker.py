"""A worker, with the test as its trainer: what it sends back, and what a bad reward function does to it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from drcli.contract.episode import Episode
from drcli.errors import DrError
from drcli.services.shared.protocol import POLICY, Collect, Evaluate, Evaluated, Experience, Welcome
from drcli.services.shared.weight_arrays import weights_to_arrays
from drcli.services.shared.wire import Message, TrainerSocket
from drcli.services.shared.wire_keys import WireKeys
from drcli.services.trainer.worker_registry import WorkerRegistry
from drcli.services.worker import run_over_watch
from drcli.store.run_status import RunStatus
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.network import weights_of
from drcli.train.rollout import RolloutSpec

HEAD = """calls = 0
def reward_function(params):
    global calls
    calls += 1
    if calls < 3:
        return 1.0
"""
FAULTS = {
    "raises": ("    return params['speeed']\n", r":7: KeyError: 'speeed'\n"),
    "NaN": ("    return float('nan')\n", r": reward_function returns nan\n"),
    "endless": (
        "    while True:\n        pass\n",
        r":[78]: reward_function takes longer than 1 s for a step\n",
    ),
    "endless for ever": (
        "    while True:\n        try:\n            while True:\n                pass\n"
        "        except BaseException:\n            pass\n",
        r":([789]|1[0-2]): reward_function does not return\n",
    ),
    "asleep": (
        "    import threading\n    threading.Event().wait(1000)\n",
        r":8: reward_function (does not return|takes longer than 1 s for a step)\n",
    ),
}


class Stand:
    """The trainer's end of the wire of a run."""

    def __init__(self, run: Any, spec: RolloutSpec) -> None:
        environ = run.environ()
        self._socket = TrainerSocket(environ["DR_WIRE_ENDPOINT"], WireKeys.ensure(run.folder / "wire.json"))
        self.results: list[Experience | Evaluated] = []
        self.error: DrError | None = None
        self.welcomes = 0
        self.episodes_before = 0
        self.workers = WorkerRegistry(self._socket, {POLICY: spec}, self._welcome, lambda text: None)

    def _welcome(self, index: int) -> Welcome:
        self.welcomes += 1
        return Welcome(7, self.episodes_before, 0, episodes_before=self.episodes_before)

    def poll(self) -> None:
        try:
            self.results += [result for _, result in self.workers.poll(0.02)]
        except DrError as error:
            self.error = error

    def gather(self, *tasks: Collect | Evaluate) -> list[Any]:
        """What comes of some assignments, in the order in which it comes."""
        before = len(self.results)
        self.workers.give(tasks)
        while len(self.results) < before + len(tasks) and self.error is None:
            self.poll()
        return self.results[before:]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def weights(model: Any) -> Any:
    torch.manual_seed(5)
    return weights_to_arrays(weights_of(ClippedPPO.network(model), torch.float32))


@dataclass
class Pair:
    """A worker in a thread, and its trainer."""

    stand: Stand
    worker: Any


@pytest.fixture
def pair(run: Any, rollout_spec: RolloutSpec) -> Iterator[Pair]:
    stand = Stand(run, rollout_spec)
    worker = run.thread("work")
    yield Pair(stand, worker)
    stand.workers.dismiss()
    worker.join()
    stand.close()


def ends(episodes: tuple[Episode, ...]) -> list[tuple[float, str]]:
    return [(episode.progress, str(episode.status)) for episode in episodes]


def test_collecting_goes_first_and_does_not_disturb_an_evaluation(pair: Pair, weights: Any) -> None:
    (alone,) = pair.stand.gather(Evaluate(1, "p", 3, weights=weights))
    assert len(alone.episodes) == 3
    assert [episode.rows for episode in alone.episodes] == [[], [], []]
    assert len({episode.start_ndist for episode in alone.episodes}) == 3  # spread round the track
    first, second = pair.stand.gather(
        Evaluate(2, "p", 3, weights=weights), Collect(3, "p", 40, 0, 0, weights=weights)
    )
    assert isinstance(first, Experience)
    assert isinstance(second, Evaluated)
    assert first.rollout.valid.sum(0).tolist() == [40] * 4
    assert sorted(ends(second.episodes)) == sorted(ends(alone.episodes))


def test_episodes_are_numbered_as_they_end(pair: Pair, weights: Any) -> None:
    numbers: list[int] = []
    for number in range(3):
        (result,) = pair.stand.gather(Collect(number, "p", 0, 3, 0, weights=weights))
        assert len(result.episodes) == 3
        numbers += [episode.rows[-1].episode for episode in result.episodes]
        assert all(len({row.episode for row in episode.rows}) == 1 for episode in result.episodes)
    assert numbers == list(range(9))


def test_the_log_of_a_resumed_run_begins_with_0(pair: Pair, weights: Any) -> None:
    pair.stand.episodes_before = 12
    (result,) = pair.stand.gather(Collect(0, "p", 0, 3, 0, weights=weights))
    assert [episode.rows[-1].episode for episode in result.episodes] == [0, 1, 2]


def test_a_new_welcome_is_a_new_beginning(pair: Pair, weights: Any) -> None:
    """A trainer that was restarted does not know what the worker had."""
    task = Collect(1, "p", 30, 0, 0, weights=weights)
    (first,) = pair.stand.gather(task)
    pair.stand.gather(task, Evaluate(2, "p", 2, weights=weights))
    (worker,) = pair.stand.workers.present
    pair.stand.workers._drop(worker, "is forgotten")
    (again,) = pair.stand.gather(task)
    assert pair.stand.welcomes == 2
    for name, array in first.rollout.arrays().items():
        assert (array == again.rollout.arrays()[name]).all()
    assert [e.rows[0][:18] for e in first.episodes] == [e.rows[0][:18] for e in again.episodes]


def test_nonsense_from_the_trainer_is_dropped(pair: Pair, weights: Any, capfd: Any) -> None:
    pair.stand.gather(Collect(1, "p", 2, 0, 0, weights=weights))
    (worker,) = pair.stand.workers.present
    for message in (Message("x"), Message("collect", {"policy": 1})):
        pair.stand._socket.send(worker.identity, message)
    (result,) = pair.stand.gather(Collect(2, "p", 2, 0, 0, weights=weights))
    assert result.assignment == 2
    assert capfd.readouterr().out.count("malformed message was dropped") == 2


@pytest.fixture(scope="module")
def faults(
    new_shared_run: Callable[..., Any], until: Any, weights: Any, rollout_spec: RolloutSpec
) -> Iterator[dict[str, tuple[Any, Stand]]]:
    """A worker for each fault of a reward function, driven until it is over; all at once, since they take seconds."""
    cases: dict[str, tuple[Any, Stand]] = {}
    for name, (tail, _) in FAULTS.items():
        run = new_shared_run()
        run.write(reward=HEAD + tail)
        stand = Stand(run, rollout_spec)
        stand.workers.give([Collect(1, "p", 50, 0, 0, weights=weights)])
        cases[name] = run.start("work"), stand

    def are_over() -> bool:
        for _, stand in cases.values():
            stand.poll()
        return not any(worker.is_alive for worker, _ in cases.values())

    until(are_over)
    yield cases
    for _, stand in cases.values():
        stand.close()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_reward_function_ends_the_worker_with_file_and_line(
    faults: dict[str, tuple[Any, Stand]], fault: str
) -> None:
    worker, stand = faults[fault]
    assert worker.wait() == 3
    *_, said = worker.log.partition("ERROR: ")
    pattern = r"in/reward_function\.py" + FAULTS[fault][1]
    assert re.match(pattern, said), said
    assert not stand.results
    if "does not return" not in said:
        assert stand.error
        assert stand.error.message.startswith("in/reward_function.py")
        assert stand.error.message in said


def test_a_worker_that_is_asked_to_leave_does_so_in_mid_drive(
    run: Any, weights: Any, rollout_spec: RolloutSpec
) -> None:
    """What it had goes to the next one at once."""
    stand = Stand(run, rollout_spec)
    leaving = run.thread("work")
    stand.workers.give([Collect(1, "p", 20_000, 0, 0, weights=weights)])
    while not stand.workers.present:
        stand.poll()
    leaving.stop.request()
    while stand.workers.present:
        stand.poll()
    leaving.join()
    assert leaving.result is True
    (task,) = stand.workers._waiting
    assert task.assignment == 1
    assert not stand.results
    stand.close()


def status(state: str, **more: str) -> bytes:
    return RunStatus(state, "racer", "tiny", 0, 7, 0.0, 0.0, **more).to_json()  # type: ignore[arg-type]


def test_a_worker_that_comes_when_the_run_is_over_goes_again(
    run: Any, until: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    run.variables["DR_WIRE_SECRET"] = secrets.token_hex(32)
    monkeypatch.setattr("drcli.services.worker.training_worker.SILENCE_S", 0.2)
    monkeypatch.setattr(run_over_watch, "INTERVAL_S", 0.05)
    reads: list[int] = []
    read = run_over_watch.read_status
    monkeypatch.setattr(run_over_watch, "read_status", lambda *args: (reads.append(1), read(*args))[1])
    worker = run.thread("work")
    for state in (None, "starting", "training", "stopped"):  # the trainer is only away
        if state:
            run.bucket.put(run.keys.status, status(state))
        before = len(reads)
        until(lambda before=before: len(reads) > before + 1)  # type: ignore[misc]
        assert worker.is_alive
    run.bucket.put(run.keys.status, status("ended", stop_reason="5 minutes are over"))
    worker.join()
    assert worker.result is False
    assert "The run is over: 5 minutes are over." in capfd.readouterr().out


def test_a_trainer_that_comes_back_elsewhere_is_found_by_the_same_worker(
    run: Any, weights: Any, until: Any, rollout_spec: RolloutSpec
) -> None:
    stand = Stand(run, rollout_spec)
    worker = run.thread("work")
    task = Collect(1, "p", 30, 0, 0, weights=weights)
    (first,) = stand.gather(task)
    stand.close()
    stand = Stand(run, rollout_spec)
    (again,) = stand.gather(task)
    assert stand.welcomes == 1
    assert (first.rollout.obs["FRONT_FACING_CAMERA"] == again.rollout.obs["FRONT_FACING_CAMERA"]).all()
    stand.workers.dismiss()
    worker.join()
    assert worker.result is False
    stand.close()
