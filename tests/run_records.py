"""What the services of a run left in its bucket, line by line; `run_accounts` only counts."""

from __future__ import annotations

from typing import Any

from drcli.contract.keys import training_metrics
from drcli.services.shared.counters import Counters
from drcli.store.checkpoints import read_checkpoint
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import RunStatus, read_status
from drcli.store.simtrace import HEADER, read_csv
from drcli.train.checkpoint import unpack

COLUMN = {name: number for number, name in enumerate(HEADER)}


def check(run: Any, folders: list[str] | None = None) -> RunStatus:
    """Traces, metrics, status and the last checkpoint tell the same story, and no episode twice.

    folders: of the workers, if not as DR_WORKERS says.
    """
    folders = folders or [f"{worker}/" if run.workers > 1 else "" for worker in range(run.workers)]
    status = read_status(run.bucket, "racer")
    assert status
    counted = {}
    wanted = {f"racer/{folder}training-simtrace" for folder in folders}
    traces = (info.key.rpartition("/")[0] for info in run.bucket.list("racer/"))
    assert {folder for folder in traces if folder.endswith("simtrace")} <= wanted
    for worker, folder in enumerate(folders):
        infos = run.bucket.list(f"racer/{folder}training-simtrace/")
        infos.sort(key=lambda info: int(info.key.rpartition("/")[2].partition("-")[0]))
        rows = [row for info in infos for row in read_csv(run.bucket.get(info.key))]
        ends = [row for row in rows if row[COLUMN["done"]]]
        numbers = [row[COLUMN["episode"]] for row in ends]
        assert numbers == list(range(len(ends)))
        starts = [row[COLUMN["episode"]] for row in rows if row[COLUMN["steps"]] == 1.0]
        assert starts == numbers
        key = training_metrics(run.keys.default_metrics, worker)
        data = run.bucket.find(key)
        assert data or not numbers  # who joined late may not have come to the end of an episode
        metrics = TrainingMetrics.from_json(data).episodes if data else []
        training = [row for row in metrics if row.phase == "training"]
        assert [row.episode - 1 for row in training] == numbers
        assert [row.completion_percentage for row in training] == [int(r[COLUMN["progress"]]) for r in ends]
        rewards = [sum(r[COLUMN["reward"]] for r in rows if r[0] == number) for number in numbers]
        assert [row.reward_score for row in training] == [round(reward) for reward in rewards]
        counted[worker] = len(numbers)
    assert status.episodes == sum(counted.values())
    name, files = read_checkpoint(run.bucket, run.keys)
    assert str(name) == status.last_checkpoint
    counters = Counters.from_state(unpack(files["safetensors"], str(name)).counters)
    assert (name.number, name.steps) == (counters.base + counters.iteration, counters.steps)
    # Once it is good enough, what was good enough is the last, which is a little older.
    if not status.stop_reason.startswith(("evaluation progress", "the model drives")):
        assert counters.episodes == {worker: count for worker, count in counted.items() if count}
        assert (status.iteration, status.steps) == (counters.iteration, counters.steps)
    assert run.bucket.exists(run.keys.ready)
    assert not run.bucket.exists(run.keys.lock)
    return status
