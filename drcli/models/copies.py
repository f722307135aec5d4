"""Models on the move: fetched from another bucket, copied, deleted. Nothing but the named prefix is ever touched."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcli.config.retarget import Move, retarget
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch.bucket import open_bucket
from drcli.local import write_atomically
from drcli.models.upload import ModelLocation, check_apart, check_idle
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.access import open_upload_bucket
from drcli.store.client import ObjectInfo
from drcli.store.transfer import Content, Meter, Stored, Tell

# What makes a folder a model that somebody can train, evaluate or upload, and the custom file it came from.
NEEDED = {
    "reward_function.py": "reward_function.py",
    "model/model_metadata.json": "model_metadata.json",
    "ip/hyperparameters.json": "hyperparameters.json",
}


@dataclass(frozen=True)
class Transfer:
    """A model that goes from one prefix to another; checked, nothing touched yet."""

    source: ModelLocation
    target: ModelLocation
    files: Mapping[str, ObjectInfo]  # name under both prefixes
    existing: tuple[ObjectInfo, ...]
    was_finished: bool

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        return model_files.total_bytes(tuple(self.files.values()))

    def outdated(self, *, wipe: bool) -> list[str]:
        """Keys at the target that go."""
        return model_files.outdated(self.target.prefix, self.existing, self.files, wipe=wipe)

    def to_dict(self, *, wipe: bool) -> dict[str, object]:
        """For JSON."""
        return {
            "source": self.source.address,
            "target": self.target.address,
            "files": {name: info.size_bytes for name, info in self.files.items()},
            "bytes": self.total_bytes,
            "deleted": self.outdated(wipe=wipe),
        }


def parse_address(text: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. UsageError for anything else."""
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket or not prefix:
        raise UsageError(f"{text!r} is no address of a model.", "It looks like s3://bucket/prefix.")
    return bucket, transfer.prefix_of(prefix)


def prepare_download(
    settings: Settings, workspace: Workspace, address: str, prefix: str, *, is_dry: bool = False
) -> Transfer:
    """A model of another bucket into this workspace's. DrError when it is none, or a run uses the one here.

    Unless `is_dry`, a transfer to the same target that was cut off in its last moment is finished first.
    """
    name, there = parse_address(address)
    here = transfer.prefix_of(prefix)
    source = ModelLocation(open_upload_bucket(settings, name), there)
    target = ModelLocation(open_bucket(settings, workspace, write=not is_dry), here)
    return _prepare(source, target, workspace, is_dry)


def prepare_copy(
    settings: Settings, workspace: Workspace, prefix: str, to_prefix: str, *, is_dry: bool = False
) -> Transfer:
    """A model of this workspace's bucket under another prefix. Otherwise as `prepare_download`."""
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
        raise DrError(f"{source.address} is no complete model: it lacks {', '.join(missing)}.")
    was_finished = not is_dry and transfer.recover(target.bucket, target.prefix)
    existing = tuple(target.bucket.list(f"{target.prefix}/"))
    inside = model_files.models_inside(target.prefix, existing)
    if inside:
        raise DrError(
            f"{target.prefix} is a folder with other models in it: {', '.join(inside)}.",
            "Choose another prefix.",
        )
    return Transfer(source, target, files, existing, was_finished)


def run(prepared: Transfer, *, wipe: bool, tell: Tell = transfer.quiet) -> dict[str, bytes]:
    """Move it: all files or none. Params documents name the new place. The custom files that came, by name."""
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
    """A model that may be deleted: exactly these objects."""

    place: ModelLocation
    objects: tuple[ObjectInfo, ...]

    @property
    def total_bytes(self) -> int:
        """Bytes of all of them."""
        return model_files.total_bytes(self.objects)

    def run(self) -> None:
        """Delete them, and nothing that has come since."""
        self.place.bucket.delete(info.key for info in self.objects)


def prepare_delete(
    settings: Settings, workspace: Workspace, prefix: str, *, is_dry: bool = False
) -> Deletion:
    """What `dr delete-model` would delete. DrError when it is no model, or a run uses it."""
    place = ModelLocation(open_bucket(settings, workspace), transfer.prefix_of(prefix))
    check_idle(workspace, place.prefix)
    if not is_dry:
        transfer.recover(place.bucket, place.prefix)
    return Deletion(place, tuple(model_files.check_is_one_model(place.bucket, place.prefix)))


def write_custom_files(workspace: Workspace, files: Mapping[str, bytes]) -> None:
    """Put the files of a model among the custom files; the ones before stay as NAME.bak."""
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
    """Names of custom files that are there with another content."""
    paths = {name: workspace.custom_files / name for name in files}
    return [name for name, path in paths.items() if path.is_file() and path.read_bytes() != files[name]]
