"""What a training leaves in the bucket: traces, metrics, checkpoints; once, also when it is continued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Episode, Status, TraceRow
from drcli.contract.keys import training_metrics
from drcli.services.observers.bucket_recorder import BucketRecorder
from drcli.services.observers.observer import EvaluatedCheckpoint, NewCheckpoint, ObservedTraining, RunEnd
from drcli.services.shared.counters import Counters
from drcli.services.shared.publisher import Publisher
from drcli.services.trainer.checkpoint_ranking import UNFINISHED_LAP_MS, CheckpointRanking
from drcli.store.checkpoints import read_checkpoint, read_index
from drcli.store.metrics import TrainingMetrics
from drcli.store.simtrace import read_csv

GROUP = 4
LAP = Status.LAP_COMPLETE


def episode(
    progress: float, reward: float = 1.0, seconds: float = 2.0, status: Status = Status.OFF_TRACK
) -> Episode:
    """One of three steps; the number in its rows is what a worker that knows nothing would say."""
    rows = [
        TraceRow(
            0, step, 0.1, 0.2, 3.0, -15.0, 1.5, 1, reward / 3, step == 3, True, progress * step / 3, 4, 9.0,
            100.0 + step / 15, (status if step == 3 else Status.IN_PROGRESS).value, 0.0, 0, 1.7e9 + progress,
        )
        for step in (1.0, 2.0, 3.0)
    ]  # fmt: skip
    return Episode(0, 0, 0.0, 100.0, False, reward, progress, status, 100.0 + seconds, rows)


class Desk:
    """A recorder at its bucket, and the trainer that tells it what happens."""

    def __init__(self, run: Any, counters: Counters | None, workers: int = 1) -> None:
        self.bucket, self.keys = run.bucket, run.keys
        self._publisher = Publisher(lambda text: None)
        job = run.job()
        job = replace(job, environment=replace(job.environment, workers=workers))
        self.counters = counters or Counters(7)
        self.recorder = BucketRecorder(
            ObservedTraining(
                role="trainer", environment=job.environment, bucket=job.bucket, keys=job.keys, world_name="tiny",
                metadata=job.metadata, job=job, hyperparameters=job.hyperparameters(), counters=self.counters,
                before=None, publisher=self._publisher,
            )
        )  # fmt: skip
        self.ranking = CheckpointRanking(job.params.best_model_metric, read_index(self.bucket, self.keys))

    def iteration(self, *progress: float, worker: int = 0) -> None:
        """An iteration in which episodes of one worker ended."""
        for value in progress:
            self.counters.count_episode(worker)
            self.recorder.on_episode(worker, episode(value))
        self.counters.iteration += 1
        self.counters.steps += 64

    def checkpoint(self) -> CheckpointName:
        name, content = self.counters.checkpoint, json.dumps(self.counters.as_state()).encode()
        self.recorder.on_checkpoint(
            NewCheckpoint(name, self.ranking.published(name), lambda: {"safetensors": content})
        )
        self._publisher.flush()
        return name

    def evaluation(self, name: CheckpointName, episodes: list[Episode]) -> None:
        index = self.ranking.evaluated(name, episodes)
        self.recorder.on_evaluation(EvaluatedCheckpoint(name, episodes, 0.0, index))

    def finish(self) -> None:
        self.recorder.on_end(RunEnd("ended"))
        self._publisher.flush()

    def die(self) -> None:
        """All that was submitted is written, and that is that."""
        self._publisher.flush()
        self._publisher.close()

    def trace(self, number: int, folder: str = "") -> list[tuple[int, float]]:
        """Numbers of the episodes in a trace file, and their progress."""
        data = self.bucket.find(f"racer/{folder}training-simtrace/{number}-iteration.csv")
        rows = read_csv(data) if data else []
        assert [row[1] for row in rows] == [1.0, 2.0, 3.0] * (len(rows) // 3)
        return [(row[0], row[11]) for row in rows if row[9]]

    def metrics(self, worker: int = 0) -> TrainingMetrics:
        return TrainingMetrics.from_json(self.bucket.get(training_metrics(self.keys.default_metrics, worker)))

    def documents(self) -> dict[str, bytes]:
        """All traces and metrics."""
        kinds = ("training-simtrace/", "metrics/")
        keys = [info.key for info in self.bucket.list("racer/") if any(kind in info.key for kind in kinds)]
        return {key: self.bucket.get(key) for key in keys}


@pytest.fixture
def new_desk(run: Any) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(counters: Counters | None = None, workers: int = 1, **params: str) -> Desk:
        run.write(params=params, num_episodes_between_training=GROUP)
        desks.append(Desk(run, counters, workers))
        return desks[-1]

    yield make
    for desk in desks:
        desk.die()


def test_a_trace_holds_a_constant_number_of_episodes_in_order(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    desk.iteration()
    desk.iteration(10, 20)
    desk.iteration(30, 40, 50, 60, 70, 80, 90)
    desk.die()
    assert desk.trace(0) == [(0, 10), (1, 20), (2, 30), (3, 40)]
    assert desk.trace(1) == [(4, 50), (5, 60), (6, 70), (7, 80)]
    assert desk.trace(2) == []  # not full yet
    assert desk.counters.episodes == {0: 9}


def test_a_checkpoint_and_the_end_write_what_is_not_full(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    desk.iteration(10, 20)
    desk.checkpoint()
    assert desk.trace(0) == [(0, 10), (1, 20)]
    assert [row.completion_percentage for row in desk.metrics().episodes] == [10, 20]
    desk.iteration(30, 40, 50)
    desk.finish()
    assert desk.trace(0) == [(0, 10), (1, 20), (2, 30), (3, 40)]
    assert desk.trace(1) == [(4, 50)]
    assert [row.completion_percentage for row in desk.metrics().episodes] == [10, 20, 30, 40, 50]
    assert desk.bucket.find(desk.keys.finished) == b""


def test_workers_have_documents_of_their_own(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(workers=3)
    for worker in (0, 1, 2):
        desk.iteration(*(10 * worker + k for k in range(3)), worker=worker)
    desk.evaluation(desk.checkpoint(), [episode(55)])
    desk.finish()
    for worker in range(3):  # one of four episodes each
        traces = [desk.trace(number, f"{worker}/") for number in range(3)]
        assert traces == [[(number, 10 * worker + number)] for number in range(3)]
    assert desk.counters.episodes == {0: 3, 1: 3, 2: 3}
    phases = [[row.phase for row in desk.metrics(worker).episodes] for worker in (0, 1, 2)]
    assert phases == [["training"] * 3 + ["evaluation"], ["training"] * 3, ["training"] * 3]
    keys = [key for key in desk.documents() if "metrics" in key]
    assert keys == [f"racer/metrics/TrainingMetrics{end}.json" for end in ("", "_1", "_2")]


def test_metrics_rows_say_how_each_episode_went(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    desk.iteration(10, 20)
    desk.evaluation(desk.checkpoint(), [episode(99.9, reward=7.6, seconds=12.3), episode(100, status=LAP)])
    desk.iteration(30, 40, 50)
    desk.finish()
    rows = desk.metrics().episodes
    assert [(row.phase[0], row.episode, row.trial) for row in rows] == [
        ("t", 1, 1), ("t", 2, 2), ("e", 2, 2), ("e", 2, 2), ("t", 3, 3), ("t", 4, 4), ("t", 5, 1),
    ]  # fmt: skip
    assert vars(rows[2]) == {
        "reward_score": 8, "metric_time": 112300, "start_time": 100000, "elapsed_time_in_milliseconds": 12300,
        "episode": 2, "trial": 2, "phase": "evaluation", "completion_percentage": 99, "episode_status": "Off track",
    }  # fmt: skip
    assert (rows[3].completion_percentage, rows[3].episode_status) == (100, "Lap complete")


@pytest.mark.parametrize(
    ("metric", "results", "best"),
    [
        ("progress", [[episode(50)], [episode(40), episode(60)], [episode(49.9)]], 2),  # a tie: the newer
        ("progress", [[episode(90), episode(90)], [episode(100), episode(10)]], 1),
        ("reward", [[episode(100, 1)], [episode(10, 5), episode(10, 2)], [episode(100, 3.4)]], 2),
        ("laptime", [[episode(99, seconds=1)], [episode(100, seconds=9, status=LAP)], [episode(100, seconds=9.1,
         status=LAP)]], 2),
        ("laptime", [[episode(100, seconds=9, status=LAP)], [episode(100, seconds=8, status=LAP), episode(99)]], 1),
    ],
)  # fmt: skip
def test_the_best_checkpoint_is_the_best_by_the_metric(
    new_desk: Callable[..., Desk], metric: str, results: list[list[Episode]], best: int
) -> None:
    desk = new_desk(BEST_MODEL_METRIC=metric)
    for result in results:
        desk.iteration(10)
        desk.evaluation(desk.checkpoint(), result)
    desk.die()
    index = read_index(desk.bucket, desk.keys)
    assert index
    assert index.best.name.number == best
    assert (index.last.name.number, index.last.name.steps) == (len(results), 64 * len(results))
    assert index.best.metric is not None
    assert index.last.metric is not None
    assert desk.metrics().best_model_metric == metric
    if metric == "laptime" and best == 1:
        assert index.last.metric == (8000 + UNFINISHED_LAP_MS) / 2


def test_the_fastest_checkpoint_stays_whatever_is_the_best(new_desk: Callable[..., Desk]) -> None:
    """By mean lap time, whatever the metric; one without a lap cannot be the fastest; four checkpoints stay."""
    desk = new_desk()
    laps = [[], [9.0, 9.0], [7.0], [7.5, 7.5], [8.0], [], [9.5, 9.5], [8.1]]
    for times in laps:
        desk.iteration(10)
        ended = [episode(100, seconds=time, status=LAP) for time in times]
        if len(ended) < 2:  # the fast ones do not always arrive
            ended.append(episode(60, seconds=1.0))
        desk.evaluation(desk.checkpoint(), ended)
    desk.die()
    index = read_index(desk.bucket, desk.keys)
    assert index and index.fastest
    assert (index.best.name.number, index.fastest.name.number, index.last.name.number) == (7, 4, 8)
    assert index.fastest.metric == 7500.0
    assert read_checkpoint(desk.bucket, desk.keys, "fastest")[0] == index.fastest.name
    resumed_ranking = CheckpointRanking("progress", index)
    assert resumed_ranking.published(CheckpointName(9, 999)).fastest == index.fastest


def test_a_late_evaluation_is_ranked_but_is_not_the_last_checkpoint(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    first = desk.checkpoint()
    desk.iteration(10)
    second = desk.checkpoint()
    desk.evaluation(first, [episode(20), episode(40)])
    desk.die()
    index = read_index(desk.bucket, desk.keys)
    assert index
    assert (index.best.name, index.best.metric) == (first, 30.0)
    assert (index.last.name, index.last.metric) == (second, None)


def test_the_newest_checkpoint_is_the_best_until_one_was_evaluated(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    for number in range(3):
        desk.checkpoint()
        index = read_index(desk.bucket, desk.keys)
        assert index
        assert index.best == index.last
        assert (index.last.name.number, index.last.metric) == (number, None)
        desk.iteration(10)
    desk.evaluation(desk.checkpoint(), [episode(0.0)])
    desk.iteration(10)
    desk.checkpoint()
    index = read_index(desk.bucket, desk.keys)
    assert index
    assert (index.best.name.number, index.best.metric, index.last.name.number) == (3, 0.0, 4)


def test_a_checkpoint_is_what_the_trainer_says_it_is(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(Counters(2**32 - 1, base=12), workers=2)
    desk.iteration(10, 20, worker=1)
    assert str(desk.checkpoint()) == "13_Step-64.ckpt"
    assert resumed(desk) == desk.counters
    assert (desk.counters.seed, desk.counters.base, desk.counters.episodes) == (2**32 - 1, 12, {1: 2})
    assert desk.bucket.get(desk.keys.coach_checkpoint) == b"13_Step-64.ckpt"
    assert desk.bucket.exists(desk.keys.ready)


def test_a_run_that_has_failed_is_not_finished(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    desk.iteration(10)
    desk.recorder.on_end(RunEnd("failed", message="no"))
    desk.die()
    assert not desk.bucket.exists(desk.keys.finished)
    assert not desk.documents()


def resumed(desk: Desk) -> Counters:
    """The counters a new trainer finds."""
    _, files = read_checkpoint(desk.bucket, desk.keys, stale_lock_s=0.0)
    return Counters.from_state(json.loads(files["safetensors"]))


@pytest.mark.parametrize(
    ("workers", "at"), [(1, 4), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(1, 5), (2, 2)])]
)
def test_a_run_that_was_cut_off_leaves_the_same_as_one_that_was_not(
    run: Any, new_desk: Callable[..., Desk], workers: int, at: int
) -> None:
    """It dies long after its last checkpoint, when full trace files and metrics of later episodes are written."""

    def drive(desk: Desk, first: int, last: int) -> None:
        for number in range(first, last):
            for worker in range(workers):
                desk.iteration(number, number + 0.5, worker=worker)

    whole = new_desk(workers=workers)
    drive(whole, 0, 10)
    whole.finish()
    wanted = whole.documents()
    run.bucket.delete_prefix("racer")

    before = new_desk(workers=workers)
    drive(before, 0, at)
    before.checkpoint()
    drive(before, at, 9)
    before.finish()
    after = new_desk(resumed(before), workers=workers)
    assert after.counters.total_episodes == 2 * at * workers
    drive(after, at, 7)
    after.checkpoint()
    assert max(row.episode for row in after.metrics().episodes) == 14
    again = new_desk(resumed(after), workers=workers)
    drive(again, 7, 10)
    again.finish()
    assert again.documents() == wanted


def test_the_size_of_traces_stays_when_hyperparameters_change(
    run: Any, new_desk: Callable[..., Desk]
) -> None:
    before = new_desk()
    before.iteration(*range(10))
    before.checkpoint()
    run.write(num_episodes_between_training=5)
    after = Desk(run, resumed(before))
    after.iteration(*range(10, 14))
    after.finish()
    after.die()
    assert [len(after.trace(number)) for number in range(5)] == [4, 4, 4, 2, 0]


def test_fewer_workers_leave_alone_what_the_others_wrote(new_desk: Callable[..., Desk]) -> None:
    before = new_desk(workers=2)
    for worker in (0, 1):
        before.iteration(1, 2, 3, worker=worker)
    before.checkpoint()
    others = {key: data for key, data in before.documents().items() if "/1/" in key or "_1" in key}
    assert len(others) == 3
    middle = new_desk(resumed(before), workers=1)
    for progress in (4, 5, 6, 7, 8):
        middle.iteration(progress)
    middle.checkpoint()
    after = new_desk(resumed(middle), workers=1)
    after.iteration(9)
    after.finish()
    there = after.documents()
    assert {key: there[key] for key in others} == others
    assert after.counters.episodes == {0: 9, 1: 3}
    files = [key for key in there if key.startswith("racer/0/training-simtrace/")]
    numbers = [row[0] for key in files for row in read_csv(there[key]) if row[9]]
    assert sorted(numbers) == list(range(9))
    assert not [key for key in there if key.startswith("racer/training-simtrace/")]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("is_old", [False, True], ids=["new checkpoint", "checkpoint of an older version"])
def test_a_worker_that_began_alone_stays_where_it_is(
    new_desk: Callable[..., Desk], is_old: bool, workers: int
) -> None:
    before = new_desk(workers=1)
    before.iteration(1, 2, 3)
    before.iteration(11, worker=1)  # joined later
    before.checkpoint()
    before.iteration(12, 13, worker=1)
    before.iteration(21, worker=2)  # joined after the last checkpoint, which does not know it
    before.finish()
    counters = resumed(before)
    if is_old:  # they say by their groups how many workers there were
        counters = replace(counters, workers=0, groups={0: GROUP}, episodes={0: 3})
    after = new_desk(counters, workers=workers)
    assert (after.trace(0, "1/"), after.trace(0, "2/")) == ([], []) if is_old else ([(0, 11)], [])
    after.iteration(4, 5)
    after.iteration(22, worker=2)
    after.finish()
    assert after.trace(0) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert after.trace(1) == [(4, 5)]
    assert after.trace(0, "2/") == [(0, 22)]
    assert after.trace(0, "1/") == ([] if is_old else [(0, 11)])
    assert after.trace(0, "0/") == []
    rows = [[row.completion_percentage for row in after.metrics(worker).episodes] for worker in range(3)]
    assert rows == [[1, 2, 3, 4, 5], [] if is_old else [11], [22]]
    assert after.counters.groups == {0: GROUP, 1: GROUP, 2: GROUP}


def test_an_old_checkpoint_of_several_workers_stays_in_their_folders(
    new_desk: Callable[..., Desk],
) -> None:
    before = new_desk(workers=2)
    for worker in (0, 1):
        before.iteration(1, 2, worker=worker)
    before.checkpoint()
    after = new_desk(replace(resumed(before), workers=0), workers=1)
    after.iteration(3)
    after.finish()
    assert (after.trace(0, "0/"), after.trace(1, "0/")) == ([(0, 1), (1, 2)], [(2, 3)])


def test_counters_survive_json() -> None:
    counters = Counters(5, base=3, iteration=4, steps=100, episodes={0: 7, 11: 2}, groups={0: 4, 11: 3})
    assert Counters.from_state(json.loads(json.dumps(counters.as_state()))) == counters
    assert (counters.total_episodes, str(counters.checkpoint)) == (9, "7_Step-100.ckpt")
