"""Everything a training writes to the bucket except its status: traces, metrics, checkpoints. The trainer is the
only writer, so everything is written exactly once, no matter how often workers or the trainer restart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from drcli.contract.episode import Episode
from drcli.contract.keys import training_metrics
from drcli.services.observers.observer import (
    EvaluatedCheckpoint,
    NewCheckpoint,
    ObservedTraining,
    Observer,
    RunEnd,
)
from drcli.services.observers.worker_documents import Document, WorkerDocuments
from drcli.store.checkpoints import publish_checkpoint
from drcli.store.metrics import TrainingMetrics


class BucketRecorder(Observer):
    """Writes in the background. Drops what an earlier start wrote after its last checkpoint."""

    roles = frozenset(("trainer",))

    def __init__(self, run: ObservedTraining) -> None:
        self._run = run
        counters, workers = run.counters, run.environment.workers
        if not counters.workers:
            counters.workers = max(counters.groups, default=workers - 1) + 1
        self._share = max(1, run.hyperparameters.num_episodes_between_training // counters.workers)
        self._documents: dict[int, WorkerDocuments] = {}
        for worker in sorted({*range(workers), *counters.episodes, *self._late_workers()}):
            self._of(worker).resume(run.bucket, counters.episodes.get(worker, 0))

    def on_episode(self, worker: int, episode: Episode) -> None:
        """Add its steps to a trace and its result to the metrics.

        Episodes are numbered here: a worker that restarted while its last results were queued cannot know the number.
        """
        for document in self._of(worker).training(episode):
            self._run.publisher.submit(document[0], partial(self._write, [document]))

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """Add it to the metrics of the first worker, and write the new checkpoint index."""
        self._of(0).evaluation(evaluated.episodes)
        bucket, key, data = self._run.bucket, self._run.keys.checkpoints_index, evaluated.index.to_json()
        self._run.publisher.submit("checkpoint index", lambda: bucket.put(key, data))

    def on_checkpoint(self, checkpoint: NewCheckpoint) -> None:
        """Publish it, after the documents of all episodes it was trained on."""
        bucket, keys, documents = self._run.bucket, self._run.keys, self._unfinished()

        def publish() -> None:
            self._write(documents)
            publish_checkpoint(bucket, keys, checkpoint.name, checkpoint.files(), checkpoint.index)
            bucket.put(keys.ready, b"")

        self._run.publisher.submit(f"checkpoint {checkpoint.name}", publish, is_large=True)

    def on_end(self, end: RunEnd) -> None:
        """Write the documents of the last episodes and the marker that the trainer has finished."""
        if end.state != "failed":
            documents = [*self._unfinished(), (self._run.keys.finished, bytes)]
            self._run.publisher.submit("last documents", partial(self._write, documents))

    def _write(self, documents: Sequence[Document]) -> None:
        for key, content in documents:
            self._run.bucket.put(key, content())

    def _unfinished(self) -> list[Document]:
        return [document for worker in self._documents.values() for document in worker.unfinished()]

    def _late_workers(self) -> set[int]:
        """Workers with traces in the bucket: those that joined after the last checkpoint are not in its counters."""
        folder = f"{self._run.keys.key('')}/"
        trace = re.compile(re.escape(folder) + r"(\d+)/training-simtrace/.*")
        found = (trace.fullmatch(info.key) for info in self._run.bucket.list(folder))
        return {int(match[1]) for match in found if match}

    def _of(self, worker: int) -> WorkerDocuments:
        """The documents of one worker. Their location never changes during a run: a worker that began alone keeps its
        folder when others join, and each of those gets a folder of its own.
        """
        if worker not in self._documents:
            run, counters = self._run, self._run.counters
            self._documents[worker] = WorkerDocuments(
                metrics_key=training_metrics(run.job.params.metrics_key, worker),
                trace_key=partial(
                    run.keys.training_trace, worker=worker, workers=max(counters.workers, worker + 1)
                ),
                # The same for all workers: tools apply the first worker's group size to every one.
                group=counters.groups.setdefault(worker, counters.groups.get(0, self._share)),
                metrics=TrainingMetrics(run.job.params.best_model_metric),
            )
        return self._documents[worker]
