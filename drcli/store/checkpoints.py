"""Checkpoints in the bucket: the index of the best and the last one, and how they are written and read.

The protocol is deepracer-simapp's (`markov/s3_boto_data_store.py`): `.lock` while writing, the weights,
`.coach_checkpoint`, `deepracer_checkpoints.json`, then old checkpoints are deleted. A PUT is atomic, and names follow
what they name, so regardless of when a writer dies, every name in the index leads to a complete checkpoint.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest
from typing import Any, Literal

from drcli.contract.checkpoint_names import CHECKPOINT, GRAPH_FILE, CheckpointName, graph_number
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.retry import keep_trying
from drcli.store.checkpoint_files import CheckpointFiles, checkpoints_among, named
from drcli.store.client import Bucket

Which = Literal["best", "last", "fastest"] | int

_KEEP = 4  # NUM_MODELS_TO_KEEP of the community's engine, including the best one
_POLL_S = 0.1
_DEAD_LOCK_S = 60.0  # no writer holds the lock that long, not even if clocks differ
_FASTEST = "fastest_checkpoint"  # ours: other engines read their two keys and leave this one alone
_FILE = re.compile(rf"(?P<name>{CHECKPOINT})\..+|(?P<graph>{GRAPH_FILE})")


class _PrunedMeanwhile(DrError):
    """A checkpoint was deleted before it could be read; the next one may be available."""


@dataclass(frozen=True)
class CheckpointEntry:
    """One entry of the index. `metric`: mean of its evaluations, if any; `time_s`: simulated time."""

    name: CheckpointName
    metric: float | None = None
    time_s: float = 0.0

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> CheckpointEntry:
        """An entry written by any version of the engine: the metric was once called avg_comp_pct."""
        metric = entry.get("avg_eval_metric", entry.get("avg_comp_pct"))
        return cls(CheckpointName.parse(entry["name"]), metric, float(entry.get("time_stamp", 0.0)))

    def to_dict(self) -> dict[str, object]:
        """The entry with the keys of the current engine, in its order."""
        return {"name": str(self.name), "avg_eval_metric": self.metric, "time_stamp": self.time_s}


@dataclass(frozen=True)
class CheckpointIndex:
    """`deepracer_checkpoints.json`: the best checkpoint so far and the last one.

    `fastest`: the one with the lowest mean lap time in ms, if any has driven a lap; only our engine writes it.
    """

    best: CheckpointEntry
    last: CheckpointEntry
    fastest: CheckpointEntry | None = None

    @property
    def names(self) -> frozenset[CheckpointName]:
        """The checkpoints that are kept whatever else is deleted."""
        return frozenset(entry.name for entry in self.entries)

    @property
    def entries(self) -> tuple[CheckpointEntry, ...]:
        """All entries: those of the best, the last and, if known, the fastest checkpoint."""
        return (self.best, self.last, *([self.fastest] if self.fastest else []))

    def entry(self, which: Literal["best", "last", "fastest"]) -> CheckpointEntry | None:
        """The entry that `which` means; None if the fastest checkpoint is not known."""
        return {"best": self.best, "last": self.last, "fastest": self.fastest}[which]

    @classmethod
    def from_json(cls, data: bytes, where: str = "deepracer_checkpoints.json") -> CheckpointIndex:
        """Parse the document. Raises DrError, which names `where`, if it is broken."""
        try:
            document = json.loads(data)
            best, last = (
                CheckpointEntry.from_dict(document[f"{which}_checkpoint"]) for which in ("best", "last")
            )
            fastest = document.get(_FASTEST)
            return cls(best, last, CheckpointEntry.from_dict(fastest) if fastest else None)
        except (ValueError, KeyError, TypeError, AttributeError, DrError) as error:
            hint = "Delete it; the newest checkpoint is used instead."
            raise DrError(f"{where} is broken: {error!r}.", hint) from error

    def to_json(self) -> bytes:
        """The document."""
        document = {"best_checkpoint": self.best.to_dict(), "last_checkpoint": self.last.to_dict()}
        if self.fastest:
            document[_FASTEST] = self.fastest.to_dict()
        return json.dumps(document).encode()


def read_index(bucket: Bucket, keys: ModelKeys) -> CheckpointIndex | None:
    """The index of a model; None if it has none."""
    data = bucket.find(keys.checkpoints_index)
    return None if data is None else CheckpointIndex.from_json(data, keys.checkpoints_index)


def list_checkpoints(bucket: Bucket, keys: ModelKeys) -> list[CheckpointName]:
    """The existing checkpoints of our engine, ordered by number: those that a run can resume from."""
    there = checkpoints_among(keys.prefix, bucket.list(keys.model_folder))
    return [name for name, found in there.items() if found.is_ours]


def publish_checkpoint(
    bucket: Bucket,
    keys: ModelKeys,
    name: CheckpointName,
    files: Mapping[str, bytes],
    index: CheckpointIndex,
) -> None:
    """Make `name` the newest checkpoint and keep only four; those that `index` names always stay.

    files: by part, in the order in which they are written; the last one completes it.
    """
    bucket.delete([keys.lock])  # left by a writer that was killed
    bucket.put(keys.lock, b"")
    for part, content in files.items():
        bucket.put(keys.checkpoint(str(name), part), content)
    bucket.put(keys.coach_checkpoint, str(name).encode())
    bucket.put(keys.checkpoints_index, index.to_json())
    bucket.delete(_outdated(bucket, keys, name, index.names))
    bucket.delete([keys.lock])


def _outdated(
    bucket: Bucket, keys: ModelKeys, newest: CheckpointName, wanted: frozenset[CheckpointName]
) -> list[str]:
    """Keys of checkpoints beyond the four we keep, and of those newer than `newest`, left by an abandoned attempt.

    Frozen graphs that other engines write next to a checkpoint (`model_<N>.pb`) are deleted with it.
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
) -> tuple[CheckpointName, dict[str, bytes]]:
    """A checkpoint of any engine and the files of its weights by part, once no run is writing.

    A lock that does not change for `stale_lock_s` was left by a writer that died, and is ignored.

    Raises:
        DrError: there is none, it is too large, or writing never stops.
    """
    deadline = time.monotonic() + deadline_s
    wait_for_lock(bucket, keys, deadline, stale_lock_s)

    def read() -> tuple[CheckpointName, dict[str, bytes]]:
        chosen = choose_checkpoint(bucket, keys, which)
        weights = chosen.read(bucket)
        if weights is None:  # pruned between the two lines above
            raise _PrunedMeanwhile(
                f"The checkpoints of {keys.prefix} change too fast to be read.", "Try again."
            )
        return chosen.name, weights

    return keep_trying(
        read,
        patience_s=deadline - time.monotonic(),
        pause_s=lambda attempts: 0.0,
        is_worth_it=lambda error: isinstance(error, _PrunedMeanwhile),
    )


def choose_checkpoint(bucket: Bucket, keys: ModelKeys, which: Which) -> CheckpointFiles:
    """The existing checkpoint that `which` means. Raises DrError if there is none.

    If the index names none that exists: the one in `.coach_checkpoint`, else the one with the highest number; except
    for the fastest one, which nothing else can stand for.
    """
    there = checkpoints_among(keys.prefix, bucket.list(keys.model_folder))
    if not there:
        hint = "`dr models` lists the models of the bucket."
        raise DrError(f"The model {keys.prefix} has no complete checkpoint.", hint)
    if isinstance(which, int):
        of_number = [found for name, found in there.items() if name.number == which]
        if not of_number:
            numbers = ", ".join(str(name.number) for name in there)
            raise DrError(f"The model {keys.prefix} has no checkpoint {which}.", f"It has {numbers}.")
        return of_number[-1]
    coach = CheckpointName.find((bucket.find(keys.coach_checkpoint) or b"").decode(errors="replace"))
    index = read_index(bucket, keys)
    entry = index.entry(which) if index else None
    wanted = named(there, entry.name) if entry else None
    if which == "fastest" and wanted is None:
        raise no_fastest(keys.prefix)
    return there[wanted or named(there, coach) or max(there)]


def no_fastest(prefix: str) -> DrError:
    """The error if the fastest checkpoint of a model is asked for and not known."""
    return DrError(
        f"The fastest checkpoint of {prefix} is not known: no evaluation during its training had a complete lap, or "
        "another engine or an older drcli trained it.",
        "Use best, last or the number of a checkpoint.",
    )


def wait_for_lock(bucket: Bucket, keys: ModelKeys, deadline: float, stale_lock_s: float) -> None:
    """Wait until no run is writing or the writer has died. Raises DrError after `deadline` (monotonic clock)."""
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
            raise DrError(f"The model {keys.prefix} is being written continuously.", "Try again later.")
        time.sleep(_POLL_S)
