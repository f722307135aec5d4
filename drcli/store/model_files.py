"""The files of a model of any engine.

`drcli.store.checkpoints` is the protocol of a running training; this is for commands that move finished models.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from drcli.contract.checkpoint_names import CHECKPOINT_FILE, GRAPH_FILE, CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoint_files import CheckpointFiles, checkpoints_among, named
from drcli.store.checkpoints import (
    CheckpointEntry,
    CheckpointIndex,
    Which,
    no_fastest,
    read_index,
    wait_for_lock,
)
from drcli.store.client import Bucket, ObjectInfo

_OF_CHECKPOINT = re.compile(rf"{CHECKPOINT_FILE}|{GRAPH_FILE}|\.ready|\.finished")
_OF_MODEL = re.compile(
    r"(?:model|ip|metrics)/.+|training_params(?:_\d+)?\.yaml|evaluation_params\.yaml|status\.json"
    r"|evaluation-\d{14}/.+|(?:\d+/)?training-simtrace/.+|(?:evaluation-)?simtrace/.+"
)
_MARK = re.compile(
    rf"(.+)/model/(?:\.coach_checkpoint|deepracer_checkpoints\.json|{CHECKPOINT_FILE}|{GRAPH_FILE})"
)
# How trainer and workers of one run find each other, and its status: useless in a copy.
RUN_ONLY = ("model/.lock", "ip/ip.json", "ip/done", "status.json")


@dataclass(frozen=True)
class Chosen:
    """One complete checkpoint, and its entry in the index of the model."""

    files: CheckpointFiles
    entry: CheckpointEntry

    @property
    def name(self) -> CheckpointName:
        """Its name."""
        return self.files.name

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        """Everything that belongs to it."""
        return tuple(self.files.parts.values())

    @property
    def index(self) -> CheckpointIndex:
        """The index of a model that has only this checkpoint."""
        return CheckpointIndex(self.entry, self.entry)


def relative(prefix: str, objects: Iterable[ObjectInfo]) -> dict[str, ObjectInfo]:
    """Objects by their names under the prefix, without the markers of empty folders."""
    start = f"{prefix}/"
    return {
        info.key.removeprefix(start): info
        for info in objects
        if info.key.startswith(start) and not info.key.endswith("/")
    }


def wait_until_written(bucket: Bucket, prefix: str) -> None:
    """Wait while a run is writing a checkpoint. Raises DrError if it never stops."""
    wait_for_lock(bucket, ModelKeys(prefix), time.monotonic() + 60.0, 10.0)


def choose(bucket: Bucket, prefix: str, which: Which) -> Chosen:
    """The checkpoint `which` of a model, complete; waits while a run is writing.

    `best` and `fastest` require an index that names them; `last` falls back to the highest number.

    Raises:
        DrError: there is none, or files are missing.
    """
    keys = ModelKeys(prefix)
    wait_until_written(bucket, prefix)
    there = checkpoints_among(prefix, bucket.list(keys.model_folder))
    if not there:
        hint = "`dr models` lists the models of the bucket."
        raise DrError(f"The model {prefix} has no complete checkpoint.", hint)
    index = read_index(bucket, keys)
    name = _named(bucket, keys, which, there, index)
    entries = index.entries if index else ()
    of_name = (replace(entry, name=name) for entry in entries if named(there, entry.name) == name)
    return Chosen(there[name], next(of_name, CheckpointEntry(name, None, time.time())))


def _named(
    bucket: Bucket,
    keys: ModelKeys,
    which: Which,
    there: Mapping[CheckpointName, CheckpointFiles],
    index: CheckpointIndex | None,
) -> CheckpointName:
    has = f"It has {', '.join(str(name.number) for name in there)}."
    if which == "best" or which == "fastest":
        if index is None:
            raise DrError(f"The model {keys.prefix} has no index that names its {which} checkpoint.", has)
        entry = index.entry(which)
        if entry is None:
            raise no_fastest(keys.prefix)
        found = named(there, entry.name)
        if found is None:
            raise DrError(f"The {which} checkpoint of {keys.prefix}, {entry.name}, was not found.", has)
        return found
    in_use = CheckpointName.find((bucket.find(keys.coach_checkpoint) or b"").decode(errors="replace"))
    if which == "last":
        return named(there, index.last.name if index else None) or named(there, in_use) or max(there)
    of_number = [name for name in there if name.number == which]
    if not of_number:
        raise DrError(f"The model {keys.prefix} has no checkpoint {which}.", has)
    known = [*((index.last.name, *index.names) if index else ()), in_use]
    return next((name for name in known if name in of_number), of_number[-1])


def outdated(prefix: str, existing: Iterable[ObjectInfo], names: Iterable[str], *, wipe: bool) -> list[str]:
    """Keys under the prefix to delete when `names` are written: all others (`wipe`), or other checkpoints' files."""
    kept = {f"{prefix}/{name}" for name in names}
    mine = [info.key for info in existing if info.key.startswith(f"{prefix}/") and info.key not in kept]
    if wipe:
        return mine
    folder = f"{prefix}/model/"
    return [
        key for key in mine if key.startswith(folder) and _OF_CHECKPOINT.fullmatch(key.removeprefix(folder))
    ]


def check_is_one_model(bucket: Bucket, prefix: str) -> list[ObjectInfo]:
    """The objects under the prefix of a model. Raises DrError unless they are exactly one model."""
    objects = bucket.list(f"{prefix}/")
    if not objects:
        raise DrError(
            f"The model {prefix} was not found in the {bucket.config.place}.", "`dr models` lists the models."
        )
    inside = models_inside(prefix, objects)
    if inside:
        raise DrError(
            f"{prefix} is a folder with other models in it: {', '.join(inside)}.", "Name one of them."
        )
    if not any(_OF_MODEL.fullmatch(name) for name in relative(prefix, objects)):
        names = ", ".join(list(relative(prefix, objects))[:5])
        raise DrError(
            f"{prefix} is not a model; it contains {names}.", "`dr models` lists the models of the bucket."
        )
    return objects


def models_inside(prefix: str, objects: Iterable[ObjectInfo]) -> list[str]:
    """Prefixes of other models below this one."""
    marks = (_MARK.fullmatch(info.key) for info in objects)
    return sorted({match[1] for match in marks if match and match[1].startswith(f"{prefix}/")})


def overlap(one: str, other: str) -> bool:
    """Whether two prefixes are the same, or one contains the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def is_same_bucket(one: Bucket, other: Bucket) -> bool:
    """Whether both are the same bucket, by name and address; on AWS, names are enough."""
    same_place = one.address == other.address or (one.is_aws and other.is_aws)
    return same_place and one.config.bucket == other.config.bucket


def total_bytes(objects: Sequence[ObjectInfo]) -> int:
    """The total size of a listing, in bytes."""
    return sum(info.size_bytes for info in objects)
