"""All that a training run writes to the bucket: traces, metrics, checkpoints, status. The trainer is the only
writer, so what counts is written once, however often a worker or the trainer itself had to start again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from statistics import fmean

from drcli.contract.keys import training_metrics
from drcli.services.job import TrainingJob
from drcli.services.publisher import Publisher
from drcli.services.worker_record import Document, WorkerRecord
from drcli.sim.race import Episode
from drcli.store.checkpoints import (
    CheckpointEntry,
    CheckpointIndex,
    CheckpointName,
    publish_checkpoint,
)
from drcli.store.metrics import TrainingMetrics
from drcli.store.run_status import RunStatus
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.network import ActorCritic

STATUS_INTERVAL_S = 0.5
UNFINISHED_LAP_MS = 999_999  # lap time of an evaluation episode without a lap (community's s3_metrics.py)


@dataclass
class Counters:
    """What a stopped run continues with; part of every checkpoint.

    base: number of the first checkpoint (0, or that of the pretrained model plus one); iteration, steps:
    done since then; episodes: training episodes recorded, by worker index; groups: how many of them go into
    each trace file, for the whole life of the run; seed of the run; workers: with how many it began, which
    decides for good where traces are (0: not known, as in the checkpoints of older versions).
    """

    seed: int
    base: int = 0
    iteration: int = 0
    steps: int = 0
    episodes: dict[int, int] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    workers: int = 0

    @property
    def total_episodes(self) -> int:
        """Training episodes of all workers."""
        return sum(self.episodes.values())

    @property
    def checkpoint(self) -> CheckpointName:
        """The name of a checkpoint made now."""
        return CheckpointName(self.base + self.iteration, self.steps)

    @classmethod
    def from_state(cls, state: dict[str, object]) -> Counters:
        """From the state in a checkpoint of this run."""
        plain = json.loads(json.dumps(state))
        for name in ("episodes", "groups"):  # JSON has no numbers for keys
            plain[name] = {int(worker): count for worker, count in plain.get(name, {}).items()}
        return cls(**plain)


class Recorder:
    """Writes through a `Publisher`; keeps metrics, the checkpoint index and the status document."""

    def __init__(self, job: TrainingJob, publisher: Publisher, counters: Counters, sensor: str) -> None:
        self._job = job
        self._publisher = publisher
        self._counters = counters
        self._sensor = sensor
        self._records: dict[int, WorkerRecord] = {}
        if not counters.workers:
            counters.workers = max(counters.groups, default=job.environment.workers - 1) + 1
        self._share = max(1, job.hyperparameters().num_episodes_between_training // counters.workers)
        self._index: CheckpointIndex | None = None
        self._written_at = 0.0
        now = time.time()
        self.status = RunStatus(
            state="starting",
            prefix=job.environment.prefix,
            world_name=job.params.world_name,
            run_id=job.environment.run_id,
            seed=counters.seed,
            started_at=now,
            updated_at=now,
        )

    def continue_from(self, index: CheckpointIndex | None, workers: int) -> None:
        """Take up what an earlier start of this run has written; what came after the last checkpoint is dropped."""
        self._index = index
        for worker in sorted({*range(workers), *self._counters.episodes, *self._late_workers()}):
            self._record(worker).resume(self._job.bucket, self._counters.episodes.get(worker, 0))

    def episodes(self, worker: int, episodes: Sequence[Episode]) -> None:
        """Training episodes of one worker that ended in this iteration: trace, metrics, counters.

        They are numbered here: a worker that was started again while its last results waited cannot know.
        """
        if not episodes:
            return
        record = self._record(worker)
        for document in record.training(episodes):
            self._publisher.submit(document[0], partial(self._write, [document]))
        self._counters.episodes[worker] = record.episode_count
        self.update(training_progress=fmean(episode.progress for episode in episodes))

    def evaluation(self, checkpoint: CheckpointName, episodes: Sequence[Episode]) -> float:
        """Greedy episodes of a checkpoint: metrics, best checkpoint. Mean progress in %."""
        self._record(0).evaluation(episodes)
        progress = fmean(episode.progress for episode in episodes)
        self._rank(CheckpointEntry(checkpoint, self._score(episodes), episodes[-1].end_time_s))
        self.update(evaluation_progress=progress, evaluations=self.status.evaluations + 1)
        return progress

    def checkpoint(self, network: ActorCritic) -> CheckpointName:
        """Publish the network as it is now, after the metrics of all episodes that it has learned from."""
        job, name = self._job, self._counters.checkpoint
        tensors, state = to_tensors(network, self._sensor), asdict(self._counters)
        best = last = CheckpointEntry(name)
        if self._index is not None and self._index.best.metric is not None:
            best = self._index.best  # else no checkpoint was evaluated yet: the newest is the best guess
        self._index = CheckpointIndex(best, last)
        index, documents = self._index, self._unfinished()

        def publish() -> None:
            self._write(documents)
            publish_checkpoint(job.bucket, job.keys, name, pack(tensors, state), index)
            job.bucket.put(job.keys.ready, b"")

        self._publisher.submit(f"checkpoint {name}", publish)
        self.update(last_checkpoint=str(name), best_checkpoint=str(index.best.name))
        return name

    def update(self, *, now: bool = False, **changes: object) -> None:
        """Change fields of the status; written at most every half second unless `now`."""
        counters = self._counters
        self.status = replace(
            self.status,
            iteration=counters.iteration,
            episodes=counters.total_episodes,
            steps=counters.steps,
            updated_at=time.time(),
            **changes,  # type: ignore[arg-type]
        )
        if now or self.status.updated_at - self._written_at > STATUS_INTERVAL_S:
            self._written_at = self.status.updated_at
            bucket, key, data = self._job.bucket, self._job.keys.status, self.status.to_json()
            self._publisher.submit("status", lambda: bucket.put(key, data), first=True)

    def finish(self) -> None:
        """Write the documents of the last episodes, and that the trainer has finished."""
        documents = [*self._unfinished(), (self._job.keys.finished, bytes)]
        self._publisher.submit("last documents", partial(self._write, documents))

    def _rank(self, entry: CheckpointEntry) -> None:
        """Note an evaluated checkpoint in the index: as the last one, and as the best if it is."""
        assert self._index is not None, "a checkpoint is published before it is evaluated"
        best, last, score = self._index.best, self._index.last, entry.metric
        assert score is not None
        sign = -1 if self._job.params.best_model_metric == "laptime" else 1
        if best.metric is None or sign * score >= sign * best.metric:
            best = entry
        self._index = CheckpointIndex(best=best, last=entry if last.name == entry.name else last)
        bucket, key, data = self._job.bucket, self._job.keys.checkpoints_index, self._index.to_json()
        self._publisher.submit("checkpoint index", lambda: bucket.put(key, data))
        self.update(best_checkpoint=str(best.name), best_metric=best.metric)

    def _score(self, episodes: Sequence[Episode]) -> float:
        """Mean of DR_TRAIN_BEST_MODEL_METRIC: progress in %, reward, or lap time in ms."""
        metric = self._job.params.best_model_metric
        if metric == "reward":
            return fmean(episode.reward for episode in episodes)
        if metric == "laptime":
            times = ((e.end_time_s - e.start_time_s) * 1000 for e in episodes)
            return fmean(
                t if e.status == "lap_complete" else UNFINISHED_LAP_MS
                for t, e in zip(times, episodes, strict=True)
            )
        return fmean(episode.progress for episode in episodes)

    def _write(self, documents: Sequence[Document]) -> None:
        for key, content in documents:
            self._job.bucket.put(key, content())

    def _unfinished(self) -> list[Document]:
        return [document for record in self._records.values() for document in record.unfinished()]

    def _late_workers(self) -> set[int]:
        """Workers with traces in the bucket: who joined after the last checkpoint is not in its counters."""
        keys = self._job.keys
        trace = re.compile(re.escape(keys.key("")) + r"/(\d+)/training-simtrace/.*")
        found = (trace.fullmatch(info.key) for info in self._job.bucket.list(f"{keys.key('')}/"))
        return {int(match[1]) for match in found if match}

    def _record(self, worker: int) -> WorkerRecord:
        """What is written about one worker. Where it is written is the same for the whole life of a run: a worker that
        began alone stays where it is when others join, and each of these gets a folder of its own.
        """
        if worker not in self._records:
            job, counters = self._job, self._counters
            self._records[worker] = WorkerRecord(
                metrics_key=training_metrics(job.params.metrics_key, worker),
                trace_key=partial(
                    job.keys.training_trace, worker=worker, workers=max(counters.workers, worker + 1)
                ),
                # The same for all: tools take the first worker's for every one.
                group=counters.groups.setdefault(worker, counters.groups.get(0, self._share)),
                metrics=TrainingMetrics(job.params.best_model_metric),
            )
        return self._records[worker]
