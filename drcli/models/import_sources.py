"""Where a model to import comes from: a folder, an archive, or a prefix of another bucket. All are only read."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.store_access import open_upload_bucket
from drcli.models.copies import parse_address
from drcli.models.import_archives import Limits, unpack
from drcli.models.model_location import ModelLocation
from drcli.store import model_files, transfer
from drcli.store.client import ObjectInfo
from drcli.store.transfer import Meter, Tell

_ENDING = re.compile(r"\.(?:tar\.gz|tgz|tar|zip)$", re.IGNORECASE)


class ImportSource(Protocol):
    """Files by name."""

    @property
    def address(self) -> str:
        """What the user named."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Size in bytes of every file that a model can have, and perhaps of others."""

    @property
    def others(self) -> int:
        """The number of files that are not in `sizes`."""

    @property
    def links(self) -> Sequence[str]:
        """Names that lead elsewhere; they are not followed."""

    @property
    def place(self) -> ModelLocation | None:
        """Its prefix, if it is in a bucket."""

    def read(self, name: str) -> bytes:
        """The content of a file."""

    def fetch(self, names: Sequence[str], folder: Path, meter: Meter) -> Mapping[str, Path]:
        """The files on disk; `folder` takes what has to be downloaded."""


@dataclass(frozen=True)
class _OnDisk:
    """A folder, or what was unpacked from an archive."""

    address: str
    paths: Mapping[str, Path]
    others: int
    links: Sequence[str]
    place: None = None

    @property
    def sizes(self) -> Mapping[str, int]:
        return {name: path.stat().st_size for name, path in self.paths.items()}

    def read(self, name: str) -> bytes:
        try:
            return self.paths[name].read_bytes()
        except OSError as error:
            raise DrError(f"{error.filename}: {error.strerror}.") from error

    def fetch(self, names: Sequence[str], _folder: Path, _meter: Meter) -> Mapping[str, Path]:
        unreadable = [str(self.paths[name]) for name in names if not os.access(self.paths[name], os.R_OK)]
        if unreadable:  # what containers write often belongs to root
            raise DrError(
                f"{unreadable[0]} may not be read.", "Change its owner: `sudo chown -R $USER FOLDER`."
            )
        return {name: self.paths[name] for name in names}


@dataclass(frozen=True)
class _InBucket:
    """A prefix of a bucket."""

    place: ModelLocation
    objects: Mapping[str, ObjectInfo]
    others: int = 0
    links: Sequence[str] = ()

    @property
    def address(self) -> str:
        return self.place.address

    @property
    def sizes(self) -> Mapping[str, int]:
        return {name: info.size_bytes for name, info in self.objects.items()}

    def read(self, name: str) -> bytes:
        return self.place.bucket.get(self.objects[name].key)

    def fetch(self, names: Sequence[str], folder: Path, meter: Meter) -> Mapping[str, Path]:
        objects = [self.objects[name] for name in names]
        fetched = dict(transfer.fetch(self.place.bucket, objects, folder, meter))
        return {name: fetched[self.objects[name]] for name in names}


@contextmanager
def opened(settings: Settings, where: str, tell: Tell = transfer.quiet) -> Iterator[ImportSource]:
    """A folder, an archive or an address of a bucket, for the time of a `with` block.

    Raises:
        DrError: it cannot be read, or holds more than `Limits`.
        UsageError: there is nothing with this name.
    """
    with tempfile.TemporaryDirectory(prefix="drcli-import-") as folder:
        if where.startswith("s3://"):
            yield _in_bucket(settings, where, Path(folder), tell)
        elif Path(where).is_dir():
            yield _in_folder(Path(where))
        else:
            yield _in_archive(Path(where), where, Path(folder), tell)


def default_prefix(where: str) -> str:
    """The prefix that a source is named after. Raises UsageError if its name has no letters for one."""
    name = where.rstrip("/").rpartition("/")[2] if where.startswith("s3://") else Path(where).resolve().name
    prefix = re.sub(r"[^A-Za-z0-9_.-]+", "-", _ENDING.sub("", name)).strip("-.")
    if not prefix:
        raise UsageError(f"{where} has no name that a prefix can be made of.", "Name one with -p PREFIX.")
    return prefix


def _in_bucket(settings: Settings, where: str, folder: Path, tell: Tell) -> ImportSource:
    name, prefix = parse_address(where)
    bucket = open_upload_bucket(settings, name)
    if _ENDING.search(prefix) and bucket.exists(prefix):
        archive = folder / prefix.rpartition("/")[2]
        bucket.download_file(prefix, archive)
        return _in_archive(archive, where, folder, tell)
    model_files.wait_until_written(bucket, prefix)
    objects = model_files.relative(prefix, bucket.list(f"{prefix}/"))
    if not objects:
        raise DrError(f"{where} was not found.", f"`dr s3 ls s3://{name}/` lists what is in the bucket.")
    _check_count(len(objects), where)
    return _InBucket(ModelLocation(bucket, prefix), objects)


def _in_folder(top: Path) -> ImportSource:
    paths: dict[str, Path] = {}
    links: list[str] = []
    for folder, folders, names in os.walk(top, onerror=_fail):
        for name in (*folders, *names):
            path = Path(folder, name)
            relative = path.relative_to(top).as_posix()
            if path.is_symlink():
                links.append(relative)
            elif name in names and path.is_file():
                paths[relative] = path
        _check_count(len(paths), str(top))
    return _OnDisk(str(top), paths, 0, links)


def _in_archive(archive: Path, where: str, folder: Path, tell: Tell) -> ImportSource:
    if archive.suffix == ".pb" and archive.is_file():
        raise UsageError(
            f"{where} is a graph; without its model_metadata.json nobody knows what its actions mean.",
            "Put both in a folder and import the folder.",
        )
    if not archive.is_file():
        raise UsageError(f"{where} was not found.", "Name a file, a folder or s3://bucket/prefix.")
    unpacked = unpack(archive, folder, tell)
    return _OnDisk(where, unpacked.files, len(unpacked.others), unpacked.links)


def _check_count(count: int, where: str) -> None:
    if count > Limits.files:
        raise DrError(f"{where} contains more than {Limits.files:,} files.", "Name the folder of one model.")


def _fail(error: OSError) -> None:
    raise DrError(f"{error.filename}: {error.strerror}.") from error
