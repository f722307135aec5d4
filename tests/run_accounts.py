"""The books of a training: traces, metrics and checkpoint have to tell the same."""

from __future__ import annotations

from drcli.contract.keys import ModelKeys, training_metrics
from drcli.store import simtrace
from drcli.store.checkpoints import read_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import TrainingMetrics
from drcli.train.checkpoint import unpack


def check_accounts(bucket: Bucket, prefix: str = "model") -> None:
    """Episodes of all workers: as many in the traces as in the metrics as in the last checkpoint, none twice."""
    keys = ModelKeys(prefix)
    name, files = read_checkpoint(bucket, keys, "last")
    counted = {
        int(worker): number
        for worker, number in unpack(files["safetensors"], str(name)).counters["episodes"].items()
    }  # type: ignore[union-attr]
    traces: dict[int, set[int]] = {}
    for info in bucket.list(f"{prefix}/"):
        parts = info.key.removeprefix(f"{prefix}/").split("/")
        if parts[-2:-1] == ["training-simtrace"]:
            worker = int(parts[0]) if len(parts) == 3 else 0
            rows = simtrace.read_csv(bucket.get(info.key), info.key)
            episodes = {row[0] for row in rows}
            assert not traces.setdefault(worker, set()) & episodes, f"{info.key} has episodes of another file"
            traces[worker] |= episodes
    assert traces == {worker: set(range(number)) for worker, number in counted.items() if number}
    for worker, number in counted.items():
        if number:
            metrics = TrainingMetrics.from_json(
                bucket.get(training_metrics(keys.default_metrics, worker)), "metrics"
            )
            assert metrics.episode_count == number
