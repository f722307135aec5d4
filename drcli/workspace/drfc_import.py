"""Importing a DeepRacer-for-Cloud folder into a workspace: its configuration and, if wanted, its models.

The folder is only read. Nothing in the workspace is overwritten: existing files and objects that differ are kept.
`plan_import` plans the import, so that it can be shown; `Import.write` and `copy_models` carry it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drcli.config.load import find_workspace, load_settings
from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.launch import store_access
from drcli.launch.simapp import ENGINE
from drcli.local import write_atomically
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.model_list import list_models
from drcli.store.server import ensure_server, server_status, stop_server
from drcli.store.transfer import Meter, Tell, fetch, prefix_of, quiet, replace_files
from drcli.workspace.env_edit import edited
from drcli.workspace.scaffold import FileState

_JUNK = ("__pycache__", ".ipynb_checkpoints")
_JUNK_SUFFIXES = (".pyc", ".swp")
_OWN_ENGINE = {
    "DR_DOCKER_STYLE": "process",
    "DR_SIMAPP_SOURCE": ENGINE,
    "DR_SIMAPP_VERSION": "",
    "DR_MINIO_IMAGE": "",
}
_OWN_BUCKET = {"DR_CLOUD": "local"}
_NOTE = "# DeepRacer-for-Cloud: "


@dataclass(frozen=True)
class Change:
    """A changed line of an env file."""

    where: str
    before: str
    after: str


@dataclass(frozen=True)
class ImportedFile:
    """A file of the folder, its new content, and how that compares with the file in the workspace."""

    name: str
    path: Path
    content: bytes
    changes: tuple[Change, ...]
    state: FileState


@dataclass(frozen=True)
class Import:
    """What an import would do. `source`: the folder's settings; `settings`: those of the new workspace."""

    files: tuple[ImportedFile, ...]
    source: Settings
    settings: Settings
    folder: Workspace
    target: Workspace

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changed lines of all files."""
        return tuple(change for file in self.files for change in file.changes)

    def write(self) -> None:
        """Write the missing files. Raises DrError if that fails."""
        for file in self.files:
            if file.state is FileState.MISSING:
                _write(file)


@dataclass(frozen=True)
class Copied:
    """The outcome for one model."""

    prefix: str
    objects: int
    size_bytes: int
    was_there: bool = False


def plan_import(folder: Path, target: Path, *, keep_engine: bool = False, own_bucket: bool = False) -> Import:
    """Read the folder and plan the workspace. Writes nothing.

    Args:
        folder: contains system.env and run.env.
        target: does not have to exist yet.
        keep_engine: keep the style and images instead of using local processes and our engine.
        own_bucket: the workspace gets its own bucket regardless of DR_CLOUD.

    Raises:
        UsageError: the target is the folder itself or inside it, or a setting is wrong (with file and line).
        DrError: it is not a DeepRacer-for-Cloud folder, or a file cannot be read.
    """
    source, into = Workspace(folder.resolve()), Workspace(target.resolve())
    _check_folders(source, into)
    source = find_workspace(source.root)
    if keep_engine and own_bucket:
        raise UsageError(
            "--keep-engine cannot be combined with models: a machine has one MinIO, which already holds them.",
            "Omit --keep-engine to give the workspace its own store, or run `dr` in the folder itself.",
        )
    wanted = ({} if keep_engine else _OWN_ENGINE) | (_OWN_BUCKET if own_bucket else {})
    files = tuple(_planned(source, into, path, wanted) for path in _paths(source.root))
    return Import(
        files,
        source=load_settings(source, _placeholders(source)),
        settings=load_settings(source, [f"{name}={value}" for name, value in wanted.items()]),
        folder=source,
        target=into,
    )


def models_of(planned: Import, prefixes: Sequence[str] = ()) -> tuple[Bucket, list[str]]:
    """The folder's bucket and the models in it: all, or those in `prefixes`.

    Raises:
        DrError: the bucket is unreachable, or a model was not found.
    """
    bucket = Bucket(store_access.store_config(planned.source, planned.folder))
    try:
        bucket.check()
    except DrError as error:
        raise _unreachable(planned, error) from None
    there = [model.prefix for model in list_models(bucket, planned.source.local_s3_training_params_file)]
    wanted = [prefix_of(text) for text in prefixes]
    missing = [prefix for prefix in wanted if prefix not in there]
    if missing:
        raise DrError(
            f"Model {missing[0]} was not found in the {bucket.config.place}.",
            f"Available models: {', '.join(there)}." if there else "The bucket contains no models.",
        )
    return bucket, wanted or there


def copy_models(
    planned: Import, source: Bucket, prefixes: Sequence[str], tell: Tell = quiet
) -> Iterator[Copied]:
    """Copy models to the workspace's bucket, each completely or not at all. Existing models are kept.

    Raises DrError if a bucket cannot be used.
    """
    with _own_bucket(planned) as target:
        for prefix in prefixes:
            yield _copy_model(source, target, prefix, tell)


def _copy_model(source: Bucket, target: Bucket, prefix: str, tell: Tell) -> Copied:
    objects = [info for info in source.list(f"{prefix}/") if not info.key.endswith("/")]
    size = sum(info.size_bytes for info in objects)
    if target.list(f"{prefix}/"):
        return Copied(prefix, len(objects), size, was_there=True)
    with tempfile.TemporaryDirectory(prefix="dr-import-") as folder:
        meter = Meter(size, tell, fetched_bytes=size)
        files = {
            info.key.removeprefix(f"{prefix}/"): path
            for info, path in fetch(source, objects, Path(folder), meter)
        }
        replace_files(target, prefix, files, meter=meter)
    return Copied(prefix, len(objects), size)


@contextmanager
def _own_bucket(planned: Import) -> Iterator[Bucket]:
    """The workspace's embedded store, on any port: the store that is copied from may be using DR_STORE_PORT."""
    settings = load_settings(planned.target)
    if not store_access.is_embedded(settings):
        raise DrError(
            f"{planned.target.system_env} comes from an import without models: "
            f"DR_CLOUD={settings.cloud}, DR_DOCKER_STYLE={settings.docker_style}.",
            "Import into a new folder, or set DR_CLOUD=local and DR_DOCKER_STYLE=process in this file.",
        )
    was_running = server_status(planned.target).running
    try:
        yield Bucket(ensure_server(planned.target, None, settings.local_s3_bucket))
    finally:
        if not was_running:
            stop_server(planned.target)


def _check_folders(source: Workspace, target: Workspace) -> None:
    for path in (source.system_env, source.run_env):
        if not path.is_file():
            raise DrError(
                f"{source.root} is not a DeepRacer-for-Cloud folder: {path.name} is missing.",
                "Name the folder in which bin/init.sh created system.env and run.env.",
            )
    if target.root == source.root:
        raise UsageError(
            f"{target.root} cannot be imported into itself.",
            "To use it where it is, just run `dr` there, without an import. Otherwise name another target folder.",
        )
    if target.root.is_relative_to(source.root / "custom_files") or target.root.is_relative_to(
        source.root / "experiments"
    ):
        raise UsageError(f"{target.root} is inside the imported folder.", "Name another target folder.")


def _paths(root: Path) -> list[Path]:
    """The configuration files, without those that editors and Python leave behind."""
    env_files = [root / "system.env", root / "run.env", *sorted(root.glob("worker-*.env"))]
    experiments = sorted(path for path in root.glob("experiments/*") if path.is_dir())
    for folder in experiments:
        env_files += [*sorted(folder.glob("run.env")), *sorted(folder.glob("worker-*.env"))]
    custom = [
        path
        for folder in (root, *experiments)
        for path in sorted((folder / "custom_files").rglob("*"))
        if not {*path.relative_to(folder).parts} & {*_JUNK} and path.suffix not in _JUNK_SUFFIXES
    ]
    return [path for path in (*env_files, *custom) if path.is_file()]


def _planned(source: Workspace, target: Workspace, path: Path, wanted: Mapping[str, str]) -> ImportedFile:
    relative = path.relative_to(source.root)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.") from None
    changes: tuple[Change, ...] = ()
    if path.suffix == ".env":
        content, changes = _adopted(content, relative.as_posix(), wanted)
    goal = target.root / relative
    return ImportedFile(relative.as_posix(), goal, content, changes, _state(goal, content))


def _adopted(content: bytes, name: str, wanted: Mapping[str, str]) -> tuple[bytes, tuple[Change, ...]]:
    """An env file with the `wanted` values; the old line is kept as a comment above each changed line.

    A setting that the file does not contain is not added: it has our default, which equals the wanted value.
    """
    from drcli.config.envfile import parse

    named = {item.key for item in parse(content, name)[0]}
    after, lines = edited(content, {key: text for key, text in wanted.items() if key in named}, name)
    changes = tuple(Change(f"{name}:{line.number}", line.before, line.after) for line in lines)
    if b"\n" not in after:
        return after, changes
    rows = after.split(b"\n")
    for line in sorted(lines, key=lambda line: -line.number):
        end = b"\r" if rows[line.number - 1].endswith(b"\r") else b""
        rows.insert(line.number - 1, f"{_NOTE}{line.before}".encode() + end)
    return b"\n".join(rows), changes


def _placeholders(source: Workspace) -> list[str]:
    """Overrides for placeholders left by an aborted init: DR_DOCKER_STYLE=<DOCKER_STYLE> means DRFC's default."""
    text = source.system_env.read_bytes()
    return ["DR_DOCKER_STYLE=swarm"] if b"DR_DOCKER_STYLE=<" in text else []


def _state(path: Path, content: bytes) -> FileState:
    try:
        return FileState.CURRENT if path.read_bytes() == content else FileState.DIFFERS
    except FileNotFoundError:
        return FileState.MISSING
    except OSError as error:
        raise DrError(f"Cannot read {path}: {error.strerror}.") from None


def _write(file: ImportedFile) -> None:
    """In one step, and never over a file that has come meanwhile."""
    try:
        write_atomically(file.path, file.content, replace=False)
    except FileExistsError:
        raise DrError(f"{file.path} has come meanwhile; it stays.", "Try again.") from None
    except OSError as error:
        raise DrError(f"Cannot write {file.path}: {error.strerror}.") from None


def _unreachable(planned: Import, error: DrError) -> DrError:
    root = planned.folder.root
    if planned.source.cloud in ("local", "azure") and (planned.folder.store / ".minio.sys").exists():
        return DrError(
            f"{error.message}\nThe models are in {planned.folder.store} in MinIO's own format: only MinIO can read "
            "them, and it is not running.",
            f"Run `dr store start` in {root} or source its bin/activate.sh, then repeat this command.",
        )
    return error
