"""Downloading, copying and deleting models. Nothing outside the named prefix is ever changed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcli.config.retarget import Move, retarget
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.bucket import open_bucket
from drcli.launch.store_access import open_upload_bucket
from drcli.local import write_atomically
from drcli.models.model_location import ModelLocation
from drcli.models.upload import check_apart, check_idle
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.client import ObjectInfo
from drcli.store.transfer import Content, Meter, Stored, Tell

# Files without which a model cannot be trained, evaluated or uploaded, and the custom file each comes from.
NEEDED = {
    "reward_function.py": "reward_function.py",
    "model/model_metadata.json": "model_metadata.json",
    "ip/hyperparameters.json": "hyperparameters.json",
}


@dataclass(frozen=True)
class Transfer:
    """A transfer of a model from one prefix to another that has been checked but not started."""

    source: ModelLocation
    target: ModelLocation
    files: Mapping[str, ObjectInfo]  # name under both prefixes
    existing: tuple[ObjectInfo, ...]
    was_finished: bool

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each file."""
        return {name: info.size_bytes for name, info in self.files.items()}

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())

    def outdated(self, *, wipe: bool) -> list[str]:
        """Keys at the target that will be deleted."""
        return model_files.outdated(self.target.prefix, self.existing, self.files, wipe=wipe)

    def to_dict(self, *, wipe: bool) -> dict[str, object]:
        """For JSON."""
        return {
            "source": self.source.address,
            "target": self.target.address,
            "files": self.sizes,
            "bytes": self.total_bytes,
            "deleted": self.outdated(wipe=wipe),
        }


def parse_address(text: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises UsageError for anything else."""
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket or not prefix:
        raise UsageError(f"{text!r} is not the address of a model.", "Use the form s3://bucket/prefix.")
    return bucket, transfer.prefix_of(prefix)


def prepare_download(
    settings: Settings, workspace: Workspace, address: str, prefix: str, *, is_dry: bool = False
) -> Transfer:
    """Prepare to download a model from another bucket to this workspace's bucket.

    Unless `is_dry`, an earlier transfer to the same target that was interrupted while it switched files is
    finished first. Raises DrError if the source is not a model or a run is using the target.
    """
    name, there = parse_address(address)
    here = transfer.prefix_of(prefix)
    source = ModelLocation(open_upload_bucket(settings, name), there)
    target = ModelLocation(open_bucket(settings, workspace, write=not is_dry), here)
    return _prepare(source, target, workspace, is_dry)


def prepare_fetch(settings: Settings, workspace: Workspace, source: ModelLocation) -> Transfer:
    """Prepare to copy a model of a bucket that is open to the same prefix of this workspace's bucket."""
    target = ModelLocation(open_bucket(settings, workspace, write=True), source.prefix)
    return _prepare(source, target, workspace, is_dry=False)


def prepare_copy(
    settings: Settings, workspace: Workspace, prefix: str, to_prefix: str, *, is_dry: bool = False
) -> Transfer:
    """Prepare to copy a model of this workspace's bucket to another prefix. Otherwise like `prepare_download`."""
    bucket = open_bucket(settings, workspace, write=not is_dry)
    source, target = (ModelLocation(bucket, transfer.prefix_of(text)) for text in (prefix, to_prefix))
    return _prepare(source, target, workspace, is_dry)


def _prepare(source: ModelLocation, target: ModelLocation, workspace: Workspace, is_dry: bool) -> Transfer:
    check_apart(source, target, workspace)
    check_idle(workspace, target.prefix)
    model_files.wait_until_written(source.bucket, source.prefix)
    found = model_files.check_is_one_model(source.bucket, source.prefix)
    files = {
        name: info
        for name, info in model_files.relative(source.prefix, found).items()
        if name not in model_files.RUN_ONLY
    }
    missing = [name for name in NEEDED if name not in files]
    if missing:
        raise DrError(f"{source.address} is not a complete model. Missing: {', '.join(missing)}.")
    was_finished, existing = look_at_target(target, is_dry=is_dry)
    return Transfer(source, target, files, existing, was_finished)


def look_at_target(target: ModelLocation, *, is_dry: bool) -> tuple[bool, tuple[ObjectInfo, ...]]:
    """Whether an interrupted transfer to the target was finished, and what is there now.

    Raises DrError if the target is a folder of other models.
    """
    was_finished = not is_dry and transfer.recover(target.bucket, target.prefix)
    existing = tuple(target.bucket.list(f"{target.prefix}/"))
    inside = model_files.models_inside(target.prefix, existing)
    if inside:
        raise DrError(
            f"{target.prefix} is a folder that contains other models: {', '.join(inside)}.",
            "Choose another prefix.",
        )
    return was_finished, existing


def run(prepared: Transfer, *, wipe: bool, tell: Tell = transfer.quiet) -> dict[str, bytes]:
    """Transfer all files or none, with the params documents changed to name the target.

    Returns the model's custom files by name.
    """
    source, target = prepared.source, prepared.target
    is_inside = source.bucket is target.bucket
    objects = list(prepared.files.values())
    meter = Meter(prepared.total_bytes, tell, 0 if is_inside else prepared.total_bytes)
    with tempfile.TemporaryDirectory(prefix="drcli-model-") as folder:
        files: dict[str, Content]
        if is_inside:
            files = {name: Stored(info) for name, info in prepared.files.items()}
        else:
            fetched = dict(transfer.fetch(source.bucket, objects, Path(folder), meter))
            files = {name: fetched[info] for name, info in prepared.files.items()}
        move = Move(source.bucket.config.bucket, source.prefix, target.bucket.config.bucket, target.prefix)
        for name in (name for name in files if "/" not in name and name.endswith((".yaml", ".yml"))):
            files[name] = retarget(_content(prepared, name, files[name]), move)
        custom = {custom: _content(prepared, name, files[name]) for name, custom in NEEDED.items()}
        transfer.replace_files(
            target.bucket, target.prefix, files, drop=prepared.outdated(wipe=wipe), meter=meter
        )
    return custom


def _content(prepared: Transfer, name: str, content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return content.read_bytes() if isinstance(content, Path) else prepared.source.bucket.get(content.info.key)


@dataclass(frozen=True)
class Deletion:
    """A model that may be deleted: these objects and no others."""

    place: ModelLocation
    objects: tuple[ObjectInfo, ...]

    @property
    def total_bytes(self) -> int:
        """Size of all objects."""
        return model_files.total_bytes(self.objects)

    def run(self) -> None:
        """Delete these objects; anything added since stays."""
        self.place.bucket.delete(info.key for info in self.objects)


def prepare_delete(
    settings: Settings, workspace: Workspace, prefix: str, *, is_dry: bool = False
) -> Deletion:
    """What `dr delete-model` would delete. Raises DrError if it is not a model or a run is using it."""
    place = ModelLocation(open_bucket(settings, workspace), transfer.prefix_of(prefix))
    check_idle(workspace, place.prefix)
    if not is_dry:
        transfer.recover(place.bucket, place.prefix)
    return Deletion(place, tuple(model_files.check_is_one_model(place.bucket, place.prefix)))


def write_custom_files(workspace: Workspace, files: Mapping[str, bytes]) -> None:
    """Write a model's files to custom_files/; files they replace are kept as NAME.bak."""
    try:
        workspace.custom_files.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = workspace.custom_files / name
            if path.is_file() and path.read_bytes() != content:
                path.replace(path.with_name(f"{name}.bak"))
            write_atomically(path, content)
    except OSError as error:
        raise DrError(f"{error.filename}: {error.strerror}.") from error


def changed_custom_files(workspace: Workspace, files: Mapping[str, bytes]) -> list[str]:
    """Names of the custom files that exist with different content."""
    paths = {name: workspace.custom_files / name for name in files}
    return [name for name, path in paths.items() if path.is_file() and path.read_bytes() != files[name]]
