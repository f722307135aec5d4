"""Training as a whole: the same start twice, services that are killed, every way to set it up."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from run_records import COLUMN, check

from drcli.errors import DrError
from drcli.services.trainer.training_program import own_address
from drcli.store.checkpoints import list_checkpoints, read_index
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import read_status
from drcli.store.simtrace import read_csv

CHANCE = """
import random
import numpy
def reward_function(params):
    return random.random() + numpy.random.random()
"""


def harvest(run: Any) -> dict[str, Any]:
    """What a run left that must not depend on when it was: checkpoints, metrics, traces but for one column."""
    found: dict[str, Any] = {}
    for info in run.bucket.list("racer/"):
        if info.key.endswith((".safetensors", "Metrics.json", "Metrics_1.json")):
            found[info.key] = run.bucket.get(info.key)
        elif info.key.endswith("-iteration.csv"):
            found[info.key] = [row[: COLUMN["wall_clock"]] for row in read_csv(run.bucket.get(info.key))]
    return found


def started(run: Any, *, is_forked: bool = True) -> tuple[Any, list[Any]]:
    """Trainer and workers as processes."""
    trainer = run.start("train", is_forked=is_forked)
    return trainer, [run.start("work", index, is_forked=is_forked) for index in range(run.workers)]


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "kind"), [(1, "discrete"), (2, "continuous")])
def test_the_same_seed_gives_the_same_first_iteration(
    new_run: Callable[..., Any], workers: int, kind: str
) -> None:
    """Bit by bit, whoever is there first; also when the reward is a matter of chance."""
    runs = [new_run(workers=workers), new_run(workers=workers)]
    services = []
    for run, is_reversed in zip(runs, (False, True), strict=True):
        run.write(kind=kind, reward=CHANCE, num_steps_between_training=192, term_cond_max_episodes=1)
        order = [("train", 0), *(("work", index) for index in range(workers))]
        services += [run.start(*service) for service in (order[::-1] if is_reversed else order)]
    assert {service.wait() for service in services} == {0}
    one, two = map(harvest, runs)
    assert one.keys() == two.keys()
    assert len([key for key in one if "1_Step-192.ckpt" in key]) == 1
    assert len([key for key in one if "0-iteration.csv" in key]) == workers
    for key in one:
        assert one[key] == two[key], key
    check(runs[0])


@pytest.mark.parametrize(
    ("workers", "kind", "variables", "hyperparameters"),
    [
        (1, "discrete", {}, {}),
        pytest.param(2, "continuous", {"DR_TRAIN_EVAL_INTERVAL": "2"}, {"term_cond_max_episodes": 20},
                     marks=pytest.mark.slow),
        pytest.param(1, "discrete", {"MAX_MEMORY_STEPS": "20"},
                     {"num_steps_between_training": None, "num_episodes_between_training": 3,
                      "exploration_type": "e-greedy", "epsilon_steps": 50},
                     marks=pytest.mark.slow),
        pytest.param(2, "continuous", {},
                     {"num_steps_between_training": None, "num_episodes_between_training": 5},
                     marks=pytest.mark.slow),
        pytest.param(1, "sac", {"DR_TRAIN_EVAL_INTERVAL": "4"},
                     {"sac_updates_per_step": 0.05, "term_cond_max_episodes": 20}, marks=pytest.mark.slow),
    ],
    ids=["steps", "steps-continuous-2", "episodes-e-greedy-bounded", "episodes-continuous-2", "steps-sac"],
)  # fmt: skip
def test_every_way_to_train(
    new_run: Callable[..., Any],
    workers: int,
    kind: str,
    variables: dict[str, str],
    hyperparameters: dict[str, Any],
) -> None:
    run = new_run(workers=workers, **variables)
    run.write(kind=kind, **hyperparameters)
    run.train()
    run.patch.undo()
    status = check(run)
    assert (status.state, status.workers) == ("ended", workers)
    assert "term_cond_max_episodes" in status.stop_reason
    per_iteration = hyperparameters.get("num_episodes_between_training")
    if per_iteration:
        assert status.episodes == status.iteration * per_iteration
        assert "MAX_MEMORY_STEPS" not in variables or status.steps <= status.iteration * 23
    else:
        assert status.steps == status.iteration * 64
    assert len(list_checkpoints(run.bucket, run.keys)) <= 4
    assert run.bucket.exists(run.keys.finished)


@pytest.mark.slow
def test_a_run_that_reached_its_goal_ends_with_what_reached_it(new_run: Callable[..., Any]) -> None:
    run = new_run(DR_TRAIN_STOP_PROGRESS="1")
    run.write(term_cond_max_episodes=10000)
    run.train()
    run.patch.undo()
    status = check(run)
    assert status.stop_reason == "evaluation progress reached 1 % 3 times in a row"
    assert status.evaluations == 3
    index = read_index(run.bucket, run.keys)
    assert index
    assert index.last.metric == status.evaluation_progress
    evaluated = TrainingMetrics.from_json(run.bucket.get(run.keys.default_metrics)).evaluations()
    assert sum(map(len, evaluated)) == 3 * 2


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(new_run: Callable[..., Any], until: Any) -> None:
    run = new_run(workers=2, DR_TRAIN_EVAL_INTERVAL="4")
    run.write(term_cond_max_episodes=10000, num_episodes_between_training=8)
    trainer, workers = started(run)
    for iteration in (2, 5):
        until(lambda wanted=iteration: f"Training iteration={wanted}" in trainer.log)  # type: ignore[misc]
        workers[1].kill()
        workers[1] = run.start("work", 1)
    until(lambda: "Training iteration=8" in trainer.log)
    trainer.ask_to_stop()
    assert [service.wait() for service in (trainer, *workers)] == [0, 0, 0]
    assert trainer.log.count("Worker 1 was restarted") == 2
    status = check(run)
    assert status.stop_reason == "stopped on request"
    assert status.steps == status.iteration * 64


@pytest.mark.slow
def test_a_trainer_that_is_killed_goes_on_after_its_last_checkpoint(
    new_run: Callable[..., Any], until: Any
) -> None:
    run = new_run(DR_TRAIN_EVAL_INTERVAL="3")
    run.write(term_cond_max_episodes=10000, num_episodes_between_training=5)
    trainer, [worker] = started(run, is_forked=False)
    until(lambda: "Training iteration=5" in trainer.log)
    trainer.kill()
    assert trainer.wait() is None
    index = read_index(run.bucket, run.keys)
    assert index
    restored = str(index.last.name)
    trainer = run.start("train")
    until(lambda: "Restoring from path" in trainer.log)
    second = trainer.log.partition("Restoring from path")[2]
    assert f"model/{restored}.safetensors" in second
    until(lambda: trainer.log.count("Training iteration=7") == 1)
    trainer.ask_to_stop()
    assert (trainer.wait(), worker.wait()) == (0, 0)
    status = check(run)
    assert status.seed == 7
    assert status.iteration >= 7


def iteration(trainer: Any) -> int:
    """How many iterations a trainer's log tells of, over all its starts."""
    return int(trainer.log.count("Training iteration="))


@pytest.mark.slow
def test_workers_come_and_go_while_it_runs(new_run: Callable[..., Any], until: Any) -> None:
    """As containers that do not know their number: none of their episodes is lost or counted twice."""
    run = new_run(workers=1, DR_TRAIN_EVAL_INTERVAL="4", DR_WIRE_SECRET="5e" * 32)
    run.write(term_cond_max_episodes=10000, num_episodes_between_training=6)
    trainer = run.contain("train", "trainer")

    def go_on(by: int = 3) -> None:
        goal = iteration(trainer) + by
        until(lambda: iteration(trainer) >= goal)

    workers = {name: run.contain("work", name) for name in ("a",)}
    go_on()
    for name in ("b", "c"):
        workers[name] = run.contain("work", name)
    until(lambda: trainer.log.count("has joined") >= 3)
    go_on(8)
    workers["b"].kill()  # in mid-iteration
    workers["b"] = run.contain("work", "b")
    until(lambda: trainer.log.count("has joined") >= 4)
    assert "was restarted" in trainer.log
    go_on()
    workers["c"].ask_to_stop()
    assert workers.pop("c").wait() == 143
    until(lambda: "has left" in trainer.log)
    go_on()
    trainer.kill()  # with a worker that joined after the first checkpoints
    trainer = run.contain("train", "trainer")
    until(lambda: trainer.log.count("has joined") >= 6)
    go_on()
    workers["d"] = run.contain("work", "d")
    until(lambda: trainer.log.count("has joined") >= 7)
    go_on(8)
    trainer.ask_to_stop()
    assert trainer.wait() == 143
    status = check(run, ["", "1/", "2/"])
    assert (status.state, status.stop_reason) == ("stopped", "stopped on request")
    assert all(worker.is_alive for worker in workers.values())  # it may come back
    for worker in workers.values():
        worker.ask_to_stop()
    assert {worker.wait() for worker in workers.values()} == {143}


@pytest.mark.slow
def test_a_container_that_stopped_with_its_engine_goes_on_with_it(
    new_run: Callable[..., Any], until: Any
) -> None:
    """All are stopped at once, in whatever order; the worker comes back first, and waits."""
    run = new_run(DR_WIRE_SECRET="5e" * 32)
    run.write(term_cond_max_episodes=10000)
    services = [run.contain("train", "trainer"), run.contain("work", "a")]
    until(lambda: iteration(services[0]) >= 2)
    beats = [run.folder / f"{name}.heartbeat" for name in ("trainer", "a")]
    assert all(beat.exists() for beat in beats)
    for service in services:
        service.ask_to_stop()
    assert {service.wait() for service in services} == {143}
    before = check(run)
    assert before.state == "stopped"
    assert not before.is_over
    run.variables["DR_TRAIN_MAX_MINUTES"] = str((before.trained_s + 3.0) / 60)  # of both starts together
    services = [run.contain("work", "a"), run.contain("train", "trainer")]
    assert {service.wait() for service in services} == {0}
    after = check(run)
    assert (after.state, "minutes are over" in after.stop_reason) == ("ended", True)
    assert after.iteration > before.iteration
    assert after.trained_s > before.trained_s > 0


@pytest.mark.slow
def test_minutes_do_not_count_the_start_up(new_run: Callable[..., Any], until: Any) -> None:
    """A worker that comes late finds all of them left."""
    run = new_run(DR_TRAIN_MAX_MINUTES="0.02")
    run.write(term_cond_max_episodes=10000)
    trainer = run.start("train")
    until(lambda: "seed 7" in trainer.log)
    time.sleep(1.5)
    worker = run.start("work")
    assert (trainer.wait(), worker.wait()) == (0, 0)
    status = check(run)
    assert "minutes are over" in status.stop_reason
    assert status.iteration >= 1


@pytest.mark.slow
def test_what_the_user_has_to_fix_ends_all_containers_for_good(run: Any) -> None:
    run.variables["DR_WIRE_SECRET"] = "5e" * 32
    run.write(reward="def reward_function(params):\n    return 1 / 0\n")
    services = [run.contain("train", "trainer"), run.contain("work", "a"), run.contain("work", "b")]
    assert [service.wait() for service in services] == [0, 0, 0]
    assert "ERROR: in/reward_function.py:2: ZeroDivisionError" in services[0].log
    status = read_status(run.bucket, "racer")
    assert status
    assert (status.state, status.message.partition(":")[0]) == ("failed", "in/reward_function.py")


def test_a_trainer_that_cannot_begin_says_so_in_the_status(run: Any) -> None:
    """Workers look there, when they hear nothing of it."""
    run.variables["HYPERPARAMETER_FILE_S3_KEY"] = "in/nothing.json"
    with pytest.raises(DrError, match="in/nothing"):
        run.thread("train").join()
    status = read_status(run.bucket, "racer")
    assert status
    assert (status.state, "in/nothing.json" in status.message) == ("failed", True)


@pytest.mark.slow
def test_a_run_that_was_stopped_is_continued(run: Any) -> None:
    mode = {"num_steps_between_training": None, "num_episodes_between_training": 4}
    run.write(term_cond_max_episodes=8, **mode)
    run.train()
    before = check(run)
    index = read_index(run.bucket, run.keys)
    run.write(term_cond_max_episodes=16, **mode)
    run.train()
    after = check(run)
    assert index
    assert (after.seed, before.seed) == (7, 7)
    assert after.iteration > before.iteration
    assert after.episodes >= 16 > before.episodes >= 8
    assert after.steps > before.steps
    later = read_index(run.bucket, run.keys)
    assert later
    if index.best.metric is not None:
        assert later.best.metric is not None
        assert later.best.metric >= index.best.metric


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("def reward_function(params):\n    return 1 / 0\n", r"in/reward_function.py:2: ZeroDivisionError"),
        ("def reward_function(params):\n    return float('nan')\n", r"in/reward_function.py: .* returns nan"),
    ],
    ids=["raises", "NaN"],
)
def test_an_error_in_the_reward_function_ends_the_run(run: Any, reward: str, message: str) -> None:
    run.write(reward=reward)
    with pytest.raises(DrError, match=message):
        run.train()
    status = read_status(run.bucket, "racer")
    assert status
    assert status.state == "failed"
    assert "in/reward_function.py" in status.message


def test_a_training_that_diverges_says_so(run: Any) -> None:
    """Before a worker stumbles over the weights: with one minibatch the loss is still a number."""
    run.write(lr=1e30, batch_size=32, num_steps_between_training=32)
    with pytest.raises(DrError, match="diverged"):
        run.train()


def test_a_machine_that_does_not_know_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "x" * 64)
    assert own_address() == "127.0.0.1"


def test_what_is_wrong_at_the_start_is_an_exit_code_and_a_line(run: Any) -> None:
    run.variables["HYPERPARAMETER_FILE_S3_KEY"] = "in/nothing.json"
    trainer = run.start("train")
    assert trainer.wait() == 3
    assert "ERROR: in/nothing.json was not found in the bucket" in trainer.log
