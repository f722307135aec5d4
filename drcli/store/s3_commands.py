"""What `dr s3` does: list, copy, compare and delete objects and files. Plans come first, so that they can be shown.

A prefix is always exact: `model` means the object with that key and those under `model/`, never `model-10/`.
`drcli.store.transfer` moves whole models, all files or none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from drcli.errors import DrError, UsageError
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.transfer import Meter, Tell, quiet

_NO_KEY = "Examples: s3:custom_files/reward_function.py, s3://bucket/custom_files/reward_function.py."


@dataclass(frozen=True)
class Remote:
    """A key, or a folder of keys, in a bucket; an empty key means the whole bucket."""

    bucket: Bucket
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket.config.bucket}/{self.key}"

    @property
    def is_folder(self) -> bool:
        """Whether it was written as a folder."""
        return not self.key or self.key.endswith("/")

    @property
    def folder(self) -> str:
        """The prefix of its content: with a slash at the end, or empty."""
        return f"{self.key.strip('/')}/" if self.key.strip("/") else ""

    def inside(self, name: str) -> Remote:
        """A key in this folder."""
        return Remote(self.bucket, self.folder + name)


Side = Remote | Path


@dataclass(frozen=True)
class Entry:
    """A line of a listing: an object, or a folder with the totals of its objects."""

    key: str
    size_bytes: int
    last_modified: datetime
    objects: int = 1

    @property
    def is_folder(self) -> bool:
        """Whether it stands for several objects."""
        return self.key.endswith("/")

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        when = self.last_modified.isoformat(timespec="seconds")
        return {
            "key": self.key,
            "size_bytes": self.size_bytes,
            "last_modified": when,
            "objects": self.objects,
        }


@dataclass(frozen=True)
class Step:
    """One file or object to copy; `name` is its name below both places."""

    source: Side
    target: Side
    name: str
    size_bytes: int
    changed: datetime  # of the source

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


@dataclass(frozen=True)
class SyncPlan:
    """What makes the target equal to the source: copies, then deletions in the target."""

    steps: tuple[Step, ...]
    deletions: tuple[Side, ...] = ()
    unchanged: int = 0


def remote(text: str, bucket: Bucket, *, bare: bool = False) -> Remote | None:
    """Parse `s3://bucket/key` or `s3:key`, with `bare` also `key`; None for anything else.

    `s3://` may name any bucket of the same store. Raises UsageError for an address without a bucket.
    """
    if text.startswith("s3://"):
        name, _, key = text.removeprefix("s3://").partition("/")
        if not name:
            raise UsageError(f"{text} names no bucket.", _NO_KEY)
        return Remote(Bucket(replace(bucket.config, bucket=name)), key)
    if text.startswith("s3:"):
        return Remote(bucket, text.removeprefix("s3:").lstrip("/"))
    return Remote(bucket, text.lstrip("/")) if bare else None


def place(text: str, bucket: Bucket) -> Side:
    """Parse a place in the store or a path."""
    return remote(text, bucket) or Path(text).expanduser()


def find(where: Remote) -> list[ObjectInfo]:
    """The object with exactly this key, and all objects in the folder with that name."""
    name = where.key.rstrip("/")
    found = where.bucket.list(name)
    return [info for info in found if not name or info.key == where.key or info.key.startswith(f"{name}/")]


def entries(where: Remote, *, recursive: bool) -> list[Entry]:
    """The content of a folder: objects, and one line per folder unless `recursive`."""
    folded: dict[str, list[ObjectInfo]] = {}
    for info in find(where):
        rest = info.key.removeprefix(where.folder) if info.key.startswith(where.folder) else ""
        name, slash, _ = rest.partition("/")
        key = f"{where.folder}{name}/" if slash and not recursive else info.key
        folded.setdefault(key, []).append(info)
    return [
        Entry(key, sum(i.size_bytes for i in infos), max(i.last_modified for i in infos), len(infos))
        for key, infos in sorted(folded.items())
    ]


def plan_copy(source: Side, target: Side, *, recursive: bool) -> tuple[Step, ...]:
    """What `cp` copies. A folder needs `recursive`; if the target is a folder, a file keeps its name.

    Raises:
        UsageError: both are paths, or a folder is given without `recursive`.
        DrError: there is nothing at the source.
    """
    _check_sides(source, target)
    if recursive:
        found = _files(source)
        if not found:
            raise DrError(f"{source} is empty or does not exist.", "`dr s3 ls` lists the bucket.")
        return tuple(_step(source, target, name, *facts) for name, facts in found.items())
    if isinstance(source, Path):
        if source.is_dir():
            raise UsageError(f"{source} is a folder.", "--recursive copies everything in it.")
        if not source.is_file():
            raise DrError(f"The file {source} was not found.")
        return (Step(source, _named(target, source.name), source.name, *_facts(source)),)
    info = next((info for info in find(source) if info.key == source.key), None)
    if info is None:
        inside = any(find(source))
        hint = (
            "It is a folder: --recursive copies everything in it."
            if inside
            else "`dr s3 ls` lists the bucket."
        )
        raise DrError(f"The object {source} was not found.", hint)
    name = PurePosixPath(info.key).name
    return (Step(source, _named(target, name), name, info.size_bytes, info.last_modified),)


def plan_sync(source: Side, target: Side, *, delete: bool) -> SyncPlan:
    """What `sync` copies: what is missing in the target, or has a different size or is older there.

    With `delete`, what the source does not have is deleted from the target. Raises DrError if the source is empty or
    does not exist, as that is more often a typing mistake than intended.
    """
    _check_sides(source, target)
    if isinstance(source, Path) and not source.is_dir():
        raise DrError(f"The folder {source} was not found.", "`sync` is for folders; `cp` copies a file.")
    wanted, there = _files(source), _files(target)
    if not wanted:
        raise DrError(f"{source} is empty or does not exist.", "`dr s3 rm --recursive` empties a folder.")
    changed = {name: facts for name, facts in wanted.items() if _differs(there.get(name), *facts)}
    extra = [_inside(target, name) for name in there if name not in wanted] if delete else []
    steps = tuple(_step(source, target, name, *facts) for name, facts in changed.items())
    return SyncPlan(steps, tuple(extra), len(wanted) - len(changed))


def run(steps: Sequence[Step], tell: Tell = quiet, done: Callable[[Step], None] = lambda _: None) -> int:
    """Copy one after the other and call `done` after each. Returns the number of bytes copied."""
    meter = Meter(sum(step.size_bytes for step in steps), tell)
    for step in steps:
        _copy(step, meter.of(step.name))
        done(step)
    return meter.total_bytes


def delete(places: Iterable[Side]) -> None:
    """Delete files and objects."""
    keys: dict[Bucket, list[str]] = {}
    for one in places:
        if isinstance(one, Path):
            one.unlink(missing_ok=True)
        else:
            keys.setdefault(one.bucket, []).append(one.key)
    for bucket, names in keys.items():
        bucket.delete(names)


def _copy(step: Step, moved: Callable[[int], None]) -> None:
    source, target = step.source, step.target
    if isinstance(source, Path):
        assert isinstance(target, Remote)
        target.bucket.upload_file(source, target.key, moved)
    elif isinstance(target, Path):
        try:
            source.bucket.download_file(source.key, target, moved)
            os.utime(target, (step.changed.timestamp(),) * 2)  # else a sync back would find it newer
        except OSError as error:
            raise DrError(f"Cannot write {target}: {error.strerror}.") from None
    else:
        target.bucket.copy(source.key, target.key, source.bucket.config.bucket)
        moved(step.size_bytes)


def _check_sides(source: Side, target: Side) -> None:
    if isinstance(source, Path) and isinstance(target, Path):
        raise UsageError(f"Neither {source} nor {target} is in the bucket.", _NO_KEY)
    if isinstance(source, Remote) and isinstance(target, Remote) and str(source) == str(target):
        raise UsageError(f"{source} would be copied onto itself.")


def _files(where: Side) -> Mapping[str, tuple[int, datetime]]:
    """The content of a folder: name below it → size and time of the last change."""
    if isinstance(where, Path):
        paths = sorted(path for path in where.rglob("*") if path.is_file())
        return {path.relative_to(where).as_posix(): _facts(path) for path in paths}
    return {
        info.key.removeprefix(where.folder): (info.size_bytes, info.last_modified)
        for info in where.bucket.list(where.folder)
        if not info.key.endswith("/")
    }


def _facts(path: Path) -> tuple[int, datetime]:
    """Size and time of the last change."""
    found = path.stat()
    return found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)


def _differs(there: tuple[int, datetime] | None, size: int, when: datetime) -> bool:
    return there is None or there[0] != size or there[1] < when.replace(microsecond=0)


def _named(target: Side, name: str) -> Side:
    """The target of one file: in a folder, under its own name."""
    if isinstance(target, Path):
        return target / name if target.is_dir() else target
    return target.inside(name) if target.is_folder else target


def _step(source: Side, target: Side, name: str, size: int, changed: datetime) -> Step:
    return Step(_inside(source, name), _inside(target, name), name, size, changed)


def _inside(where: Side, name: str) -> Side:
    if isinstance(where, Remote):
        return where.inside(name)
    path = where / name
    if not path.resolve().is_relative_to(where.resolve()):
        raise DrError(
            f"The key {name!r} leads out of {where}.",
            "Copy that object separately, to a name of your choice.",
        )
    return path
