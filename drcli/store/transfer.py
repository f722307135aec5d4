"""Replaces all files of a prefix, or none: staged next to it, checked, then switched inside the store.

S3 cannot rename a folder, so everything new goes to `<prefix>.drcli-<12 hex>/` first, under numbers that no reader
mistakes for a model; then `plan.json` is written there, which says where each file belongs. Before that document a
failure leaves the target unchanged; after it, `recover` completes the switch even if its process died. The switch
copies weights first, then the documents that name them, and deletes last, under the `.lock` that readers respect.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from drcli.contract.checkpoint_names import CHECKPOINT_FILE, GRAPH_FILE
from drcli.contract.keys import ModelKeys, join
from drcli.errors import DrError, UsageError
from drcli.store.client import Bucket, ObjectInfo

_PLAN = "plan.json"
_ABANDONED_S = 3600.0  # staging never takes an hour; what is older was left by a process that died
_LATE = ("deepracer_checkpoints.json", ".coach_checkpoint")
_WEIGHTS = re.compile(rf"(?:^|/)(?:{CHECKPOINT_FILE}|{GRAPH_FILE})$")

Tell = Callable[[str, int, int], None]  # file, bytes moved, total bytes


def quiet(_name: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Stored:
    """An object in the bucket that is written to: copied inside the store."""

    info: ObjectInfo


Content = bytes | Path | Stored


class Meter:
    """Counts the bytes of a transfer; those that are downloaded before they are sent (`fetched_bytes`) count half."""

    def __init__(self, total_bytes: int, tell: Tell, fetched_bytes: int = 0) -> None:
        self.total_bytes = total_bytes
        self._tell = tell
        self._on_the_way = total_bytes + fetched_bytes
        self._moved = 0
        self._lock = threading.Lock()  # boto3 reports from several threads

    def of(self, name: str) -> Callable[[int], None]:
        """The callback for a transfer of this file, called with the bytes moved."""

        def moved(count: int) -> None:
            with self._lock:
                self._moved += count
                done = self._moved * self.total_bytes // max(self._on_the_way, 1)
                self._tell(name, min(done, self.total_bytes), self.total_bytes)

        return moved


def prefix_of(text: str) -> str:
    """The prefix that a user names, without surrounding slashes. Raises UsageError if it is not a folder's name."""
    prefix = text.strip().strip("/")
    if join(prefix) != prefix or {"", ".", ".."} & set(prefix.split("/")):
        raise UsageError(
            f"{text!r} is not a valid model prefix.",
            "Use a name, with folders before it if you like: team/model-1.",
        )
    return prefix


def size_of(content: Content) -> int:
    """The size in bytes."""
    if isinstance(content, bytes):
        return len(content)
    return content.info.size_bytes if isinstance(content, Stored) else content.stat().st_size


def fetch(
    bucket: Bucket, objects: Sequence[ObjectInfo], folder: Path, meter: Meter
) -> Iterator[tuple[ObjectInfo, Path]]:
    """Download objects to files named by number, as keys are not always valid paths."""
    for number, info in enumerate(objects):
        path = folder / f"{number:04}"
        bucket.download_file(info.key, path, meter.of(info.key.rpartition("/")[2]))
        yield info, path


def replace_files(
    bucket: Bucket,
    prefix: str,
    files: Mapping[str, Content],
    *,
    drop: Collection[str] = (),
    meter: Meter | None = None,
) -> None:
    """Write `files` (name under the prefix → content), and delete the keys `drop`: all of it or nothing.

    Raises:
        DrError: the store fails. The target is unchanged, unless the message says that the switch had started;
            `recover` completes that.
    """
    plan = _Plan(prefix_of(prefix), tuple(sorted(files, key=_order)), tuple(sorted(drop)))
    plan.check()
    stage = f"{plan.prefix}.drcli-{secrets.token_hex(6)}"
    meter = meter or Meter(sum(map(size_of, files.values())), quiet)
    try:
        for number, name in enumerate(plan.names):
            _put(bucket, _staged(stage, number), files[name], meter.of(name.rpartition("/")[2]))
        _check_staged(bucket, stage, [size_of(files[name]) for name in plan.names])
        bucket.put(f"{stage}/{_PLAN}", plan.to_json())
    except (DrError, KeyboardInterrupt):
        with suppress(DrError):
            _clear(bucket, stage, len(plan.names))
        raise
    try:
        _switch(bucket, stage, plan)
    except DrError as error:
        raise DrError(
            f"All files were uploaded, then the switch of {plan.prefix} was interrupted: {error.message}",
            "They are kept; the same command completes the switch first.",
        ) from error


def recover(bucket: Bucket, prefix: str) -> bool:
    """Complete an interrupted switch of this prefix and delete incomplete ones; returns whether it completed one."""
    prefix = prefix_of(prefix)
    staged = re.compile(rf"({re.escape(prefix)}\.drcli-[0-9a-f]{{12}})/(?:{re.escape(_PLAN)}|\d{{4}})")
    stages: dict[str, list[ObjectInfo]] = {}
    for info in bucket.list(f"{prefix}.drcli-"):
        if match := staged.fullmatch(info.key):
            stages.setdefault(match[1], []).append(info)
    finished = False
    for stage, objects in stages.items():
        document = bucket.find(f"{stage}/{_PLAN}")
        if document is not None:
            _switch(bucket, stage, _Plan.from_json(document, prefix))
            finished = True
        elif _age_s(objects) > _ABANDONED_S:
            bucket.delete(info.key for info in objects)
    return finished


@dataclass(frozen=True)
class _Plan:
    """Where staged files belong: number n is `names[n]` under `prefix`; the keys in `drop` are deleted."""

    prefix: str
    names: tuple[str, ...]
    drop: tuple[str, ...]

    def check(self) -> None:
        """Raise ValueError for keys outside the prefix (a bug, or not our document): those are never touched."""
        keys = (*self.drop, *(self.key(name) for name in self.names))
        outside = [key for key in keys if not key.startswith(f"{self.prefix}/")]
        if outside or set(self.drop) & {self.key(name) for name in self.names}:
            raise ValueError(f"the plan for {self.prefix} reaches beyond it: {outside}")

    def key(self, name: str) -> str:
        """The key of a file."""
        return f"{self.prefix}/{name}"

    def to_json(self) -> bytes:
        """The document."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes, prefix: str) -> _Plan:
        """The plan, if it is one for this prefix."""
        raw = json.loads(data)
        plan = cls(prefix, tuple(raw["names"]), tuple(raw["drop"]))
        plan.check()
        return plan


def _order(name: str) -> tuple[int, str]:
    """Weights first, then what describes them, then what names them, then what other programs look for."""
    if _WEIGHTS.search(name):
        return 0, name
    if name.rpartition("/")[2] in _LATE:
        return 2, name
    return (3 if name.endswith((".yaml", ".yml")) else 1), name


def _staged(stage: str, number: int) -> str:
    return f"{stage}/{number:04}"


def _put(bucket: Bucket, key: str, content: Content, moved: Callable[[int], None]) -> None:
    if isinstance(content, Path):
        bucket.upload_file(content, key, moved)
        return
    if isinstance(content, Stored):
        bucket.copy(content.info.key, key)
    else:
        bucket.put(key, content)
    moved(size_of(content))


def _check_staged(bucket: Bucket, stage: str, sizes: Iterable[int]) -> None:
    there = {info.key: info.size_bytes for info in bucket.list(f"{stage}/")}
    wanted = {_staged(stage, number): size for number, size in enumerate(sizes)}
    if there != wanted:
        raise DrError(
            f"The files that arrived in the {bucket.config.place} differ from those sent; nothing was changed.",
            "Try again.",
        )


def _switch(bucket: Bucket, stage: str, plan: _Plan) -> None:
    lock = ModelKeys(plan.prefix).lock
    bucket.put(lock, b"")
    for number, name in enumerate(plan.names):
        bucket.copy(_staged(stage, number), plan.key(name))
    bucket.delete(plan.drop)
    bucket.delete([lock])
    _clear(bucket, stage, len(plan.names))


def _clear(bucket: Bucket, stage: str, count: int) -> None:
    """Delete the plan first: without it, the rest is not taken for an interrupted switch."""
    bucket.delete([f"{stage}/{_PLAN}"])
    bucket.delete(_staged(stage, number) for number in range(count))


def _age_s(objects: Iterable[ObjectInfo]) -> float:
    return (datetime.now(UTC) - max(info.last_modified for info in objects)).total_seconds()
