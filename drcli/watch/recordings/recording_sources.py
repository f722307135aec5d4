"""Finds recordings: under a prefix of the workspace's bucket, at an address of another, in a folder or an archive."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drcli.config.settings import Settings
from drcli.contract.keys import join
from drcli.errors import DrError, UsageError
from drcli.launch.bucket import open_bucket
from drcli.launch.store_access import open_upload_bucket
from drcli.models.copies import parse_address
from drcli.models.import_archives import unpack
from drcli.models.import_layout import arrange
from drcli.paths import Workspace
from drcli.store import transfer
from drcli.store.client import Bucket
from drcli.store.model_files import relative
from drcli.watch.recordings.recording import RecordedFiles, Recording
from drcli.watch.recordings.trace_cache import TraceCache

_ARCHIVE = re.compile(r"\.(?:tar\.gz|tgz|tar|zip)$", re.IGNORECASE)
_RECORDED = re.compile(r"-iteration\.csv$|^metrics/|^evaluation-\d+/")  # in our layout
_PATH = ("/", "./", "../", "~")


@contextmanager
def opened(
    settings: Settings, workspace: Workspace, where: str, cache: TraceCache | None = None
) -> Iterator[Recording]:
    """What a model left behind, for the time of a `with` block.

    where: a prefix in the workspace's bucket; s3://bucket/prefix, also of an archive; a folder, an archive or a single
    simtrace on this machine. A prefix that is also the name of a folder is the prefix: write ./NAME for the folder.

    Raises:
        DrError: it cannot be read, or contains nothing that was recorded.
        UsageError: there is nothing with this name.
    """
    with tempfile.TemporaryDirectory(prefix="drcli-recording-") as folder:
        files = _found(settings, workspace, where, Path(folder))
        if not any(map(_RECORDED.search, files.versions)):
            raise DrError(
                f"{where} contains neither simtraces nor metrics.",
                "Name a model (`dr models` lists them), or the folder or archive of one.",
            )
        yield Recording(_name(where), files, workspace.tracks, TraceCache() if cache is None else cache)


def recording_of(
    bucket: Bucket, prefix: str, metrics_prefix: str, tracks: Path | None, cache: TraceCache
) -> Recording:
    """That of a model in the workspace's bucket, which may be empty: a training has just started.

    metrics_prefix: DR_LOCAL_S3_METRICS_PREFIX of that model.
    """
    return Recording(prefix, _under_prefix(bucket, prefix, metrics_prefix), tracks, cache)


def _found(settings: Settings, workspace: Workspace, where: str, folder: Path) -> RecordedFiles:
    if where.startswith("s3://"):
        return _at_address(settings, workspace, where, folder)
    path = Path(where).expanduser()
    if where.startswith(_PATH) or _ARCHIVE.search(where) or where.endswith(".csv"):
        return _on_disk(path, where, folder)
    prefix = transfer.prefix_of(where)
    is_own = prefix == settings.local_s3_model_prefix
    metrics = settings.local_s3_metrics_prefix if is_own else f"{prefix}/metrics"
    files = _under_prefix(open_bucket(settings, workspace), prefix, metrics)
    if not files.versions and path.is_dir():
        return _in_folder(path)
    if not files.versions:
        raise UsageError(
            f"{where} was not found.", "`dr models` lists the models; write ./NAME for a folder."
        )
    return files


def _at_address(settings: Settings, workspace: Workspace, where: str, folder: Path) -> RecordedFiles:
    name, prefix = parse_address(where)
    is_own = name == settings.local_s3_bucket
    bucket = open_bucket(settings, workspace) if is_own else open_upload_bucket(settings, name)
    if _ARCHIVE.search(prefix) and bucket.exists(prefix):
        archive = folder / prefix.rpartition("/")[2]
        bucket.download_file(prefix, archive)
        return _in_archive(archive, where, folder)
    files = _under_prefix(bucket, prefix, f"{prefix}/metrics")
    if not files.versions:
        raise DrError(f"{where} was not found.", f"`dr s3 ls s3://{name}/` lists what is in the bucket.")
    return files


def _under_prefix(bucket: Bucket, prefix: str, metrics_prefix: str) -> RecordedFiles:
    objects = relative(prefix, bucket.list(f"{prefix}/"))
    metrics = join(metrics_prefix)
    if metrics != join(prefix, "metrics"):
        found = relative(metrics, bucket.list(f"{metrics}/"))
        objects |= {f"metrics/{name}": info for name, info in found.items()}
    versions = {name: f"{info.last_modified.timestamp()} {info.size_bytes}" for name, info in objects.items()}
    layout = _layout(objects)
    return RecordedFiles(
        f"s3://{bucket.config.bucket}/{prefix}",
        {name: versions[there] for name, there in layout.items()},
        lambda name: bucket.get(objects[layout[name]].key),
    )


def _on_disk(path: Path, where: str, folder: Path) -> RecordedFiles:
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise UsageError(f"{where} was not found.", "Name a model, a file, a folder or s3://bucket/prefix.")
    if path.suffix == ".csv":
        kind = "evaluation-00010101000000/evaluation" if "evaluation" in str(path.absolute()) else "training"
        return _of_paths(where, {f"{kind}-simtrace/0-iteration.csv": path})
    return _in_archive(path, where, folder)


def _in_folder(top: Path) -> RecordedFiles:
    paths = {path.relative_to(top).as_posix(): path for path in top.rglob("*") if path.is_file()}
    layout = _layout(paths)
    return _of_paths(str(top), {name: paths[there] for name, there in layout.items()})


def _in_archive(archive: Path, where: str, folder: Path) -> RecordedFiles:
    unpacked = unpack(archive, folder, transfer.quiet).files
    layout = _layout(unpacked)
    return _of_paths(where, {name: unpacked[there] for name, there in layout.items()})


def _of_paths(address: str, paths: Mapping[str, Path]) -> RecordedFiles:
    def read(name: str) -> bytes:
        try:
            return paths[name].read_bytes()
        except OSError as error:
            raise DrError(f"{error.filename}: {error.strerror}.") from error

    states = {name: path.stat() for name, path in paths.items()}
    versions = {name: f"{state.st_mtime} {state.st_size}" for name, state in states.items()}
    return RecordedFiles(address, versions, read)


def _layout(names: Iterable[str]) -> Mapping[str, str]:
    """Name in our layout → name there. Graphs do not matter here, and only those of one model may be there."""
    return arrange(name for name in names if not name.endswith(".pb")).files


def _name(where: str) -> str:
    """What it is called in tables and legends."""
    if where.startswith("s3://") or not (where.startswith(_PATH) or _ARCHIVE.search(where)):
        return _ARCHIVE.sub("", parse_address(where)[1] if where.startswith("s3://") else where.strip("/"))
    return _ARCHIVE.sub("", Path(where).expanduser().resolve().name)
