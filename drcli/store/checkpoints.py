"""Checkpoints in the bucket: their names, the index of best and last, and how they are written and read.

The protocol is deepracer-simapp's (`markov/s3_boto_data_store.py`): `.lock` while writing, the weights,
`.coach_checkpoint`, `deepracer_checkpoints.json`, then old checkpoints go. One object holds all weights and a
PUT is atomic, so whatever step a writer dies at, every name in the index leads to a whole checkpoint.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal

from drcli.contract.checkpoint_names import CHECKPOINT, GRAPH_FILE, CheckpointName, graph_number
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.retry import keep_trying
from drcli.store.client import Bucket

Which = Literal["best", "last"] | int

_KEEP = 4  # NUM_MODELS_TO_KEEP of the community's engine, the best one among them
_POLL_S = 0.1
_DEAD_LOCK_S = 60.0  # nobody holds the lock that long, not even with clocks that differ
_FILE = re.compile(rf"(?P<name>{CHECKPOINT})\..+|(?P<graph>{GRAPH_FILE})")


class _PrunedMeanwhile(DrError):
    """A checkpoint was deleted while it was about to be read; the next one may be had."""


@dataclass(frozen=True)
class CheckpointEntry:
    """One entry of the index. `metric`: mean of its evaluations, if any; `time_s`: simulated time."""

    name: CheckpointName
    metric: float | None = None
    time_s: float = 0.0

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> CheckpointEntry:
        """An entry as any generation of the engine wrote it: the metric was once called avg_comp_pct."""
        metric = entry.get("avg_eval_metric", entry.get("avg_comp_pct"))
        return cls(CheckpointName.parse(entry["name"]), metric, float(entry.get("time_stamp", 0.0)))

    def to_dict(self) -> dict[str, object]:
        """The entry in the keys and the order of today's engine."""
        return {"name": str(self.name), "avg_eval_metric": self.metric, "time_stamp": self.time_s}


@dataclass(frozen=True)
class CheckpointIndex:
    """`deepracer_checkpoints.json`: the best checkpoint so far and the last one."""

    best: CheckpointEntry
    last: CheckpointEntry

    @classmethod
    def from_json(cls, data: bytes, where: str = "deepracer_checkpoints.json") -> CheckpointIndex:
        """Parse the document; `DrError` naming `where` if it is broken."""
        try:
            document = json.loads(data)
            best = CheckpointEntry.from_dict(document["best_checkpoint"])
            return cls(best, CheckpointEntry.from_dict(document["last_checkpoint"]))
        except (ValueError, KeyError, TypeError, AttributeError, DrError) as error:
            hint = "Delete it: the newest checkpoint is used then."
            raise DrError(f"{where} is broken: {error!r}.", hint) from error

    def to_json(self) -> bytes:
        """The document."""
        return json.dumps(
            {"best_checkpoint": self.best.to_dict(), "last_checkpoint": self.last.to_dict()}
        ).encode()


def read_index(bucket: Bucket, keys: ModelKeys) -> CheckpointIndex | None:
    """The index of a model, None where it has none."""
    data = bucket.find(keys.checkpoints_index)
    return None if data is None else CheckpointIndex.from_json(data, keys.checkpoints_index)


def list_checkpoints(bucket: Bucket, keys: ModelKeys) -> list[CheckpointName]:
    """The checkpoints that are there, in the order of their numbers."""
    start, end = keys.checkpoint("").removesuffix(".safetensors"), ".safetensors"
    found = (info.key.removeprefix(start).removesuffix(end) for info in bucket.list(keys.model_folder))
    return sorted(name for text in found if (name := CheckpointName.find(text)))


def publish_checkpoint(
    bucket: Bucket,
    keys: ModelKeys,
    name: CheckpointName,
    weights: bytes | Path,
    index: CheckpointIndex,
) -> None:
    """Make `name` the newest checkpoint, and prune to four; the best and the last of `index` always stay."""
    bucket.delete([keys.lock])  # of a writer that was killed
    bucket.put(keys.lock, b"")
    if isinstance(weights, Path):
        bucket.upload_file(weights, keys.checkpoint(str(name)))
    else:
        bucket.put(keys.checkpoint(str(name)), weights)
    bucket.put(keys.coach_checkpoint, str(name).encode())
    bucket.put(keys.checkpoints_index, index.to_json())
    bucket.delete(_outdated(bucket, keys, name, {index.best.name, index.last.name}))
    bucket.delete([keys.lock])


def _outdated(
    bucket: Bucket, keys: ModelKeys, newest: CheckpointName, wanted: set[CheckpointName]
) -> list[str]:
    """Keys of what is beyond the four we keep, and of what is newer than `newest`: of a try given up.

    Frozen graphs that other engines put beside a checkpoint (`model_<N>.pb`) go with it.
    """
    names = wanted | {newest}
    numbers = {name.number for name in names}
    files: list[tuple[int, CheckpointName | None, str]] = []
    for info in bucket.list(keys.model_folder):
        if match := _FILE.fullmatch(info.key.removeprefix(keys.model_folder)):
            name = CheckpointName.parse(match["name"]) if match["name"] else None
            files.append((name.number if name else graph_number(match["graph"]), name, info.key))
    older = {number for number, _, _ in files if number < newest.number} - numbers
    spare = nlargest(_KEEP - len(names), older)
    return [
        key
        for number, name, key in files
        if number not in spare and (name not in names if name else number not in numbers)
    ]


def read_checkpoint(
    bucket: Bucket,
    keys: ModelKeys,
    which: Which = "last",
    *,
    deadline_s: float = 60.0,
    stale_lock_s: float = 10.0,
) -> tuple[CheckpointName, bytes]:
    """A checkpoint and its weights, once nobody writes there; `DrError` if there is none, or no end to it.

    A lock that does not change for `stale_lock_s` was left by a writer that died; it is ignored.
    """
    deadline = time.monotonic() + deadline_s
    wait_for_lock(bucket, keys, deadline, stale_lock_s)

    def read() -> tuple[CheckpointName, bytes]:
        name = choose_checkpoint(bucket, keys, which)
        weights = bucket.find(keys.checkpoint(str(name)))
        if weights is None:  # pruned between the two lines above
            raise _PrunedMeanwhile(
                f"The checkpoints of {keys.prefix} change too fast to be read.", "Try again."
            )
        return name, weights

    return keep_trying(
        read,
        patience_s=deadline - time.monotonic(),
        pause_s=lambda attempts: 0.0,
        is_worth_it=lambda error: isinstance(error, _PrunedMeanwhile),
    )


def choose_checkpoint(bucket: Bucket, keys: ModelKeys, which: Which) -> CheckpointName:
    """The checkpoint meant by `which` among those that are there; `DrError` if it is not.

    Where the index leads nowhere: what `.coach_checkpoint` names, then the highest number.
    """
    there = list_checkpoints(bucket, keys)
    if not there:
        raise DrError(f"The model {keys.prefix} has no checkpoint.", _why_none(bucket, keys))
    if isinstance(which, int):
        of_number = [name for name in there if name.number == which]
        if not of_number:
            numbers = ", ".join(str(name.number) for name in there)
            raise DrError(f"The model {keys.prefix} has no checkpoint {which}.", f"It has {numbers}.")
        return of_number[-1]
    wanted: list[str] = []
    if index := read_index(bucket, keys):
        wanted.append(str(index.best.name if which == "best" else index.last.name))
    wanted.append((bucket.find(keys.coach_checkpoint) or b"").decode(errors="replace").strip())
    names = {str(name): name for name in there}
    return next((names[text] for text in wanted if text in names), there[-1])


def _why_none(bucket: Bucket, keys: ModelKeys) -> str:
    if any(".ckpt." in info.key for info in bucket.list(keys.model_folder)):
        return "Its checkpoints are TensorFlow's, of another engine; drcli cannot read those."
    return "`dr models` lists the models of the bucket."


def wait_for_lock(bucket: Bucket, keys: ModelKeys, deadline: float, stale_lock_s: float) -> None:
    """Until nobody writes there, or a writer has died; `deadline` by the monotonic clock, then `DrError`."""
    seen: datetime | None = None
    since = time.monotonic()
    while lock := next((info.last_modified for info in bucket.list(keys.lock)), None):
        now = time.monotonic()
        if lock != seen:
            seen, since = lock, now
        age_s = (datetime.now(UTC) - lock).total_seconds()
        if now - since >= stale_lock_s or age_s > _DEAD_LOCK_S:
            return
        if now >= deadline:
            raise DrError(f"The model {keys.prefix} is being written all the time.", "Try again later.")
        time.sleep(_POLL_S)
