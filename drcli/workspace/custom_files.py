"""Comparing custom_files/ of a workspace or experiment with its copy in the bucket, and copying what differs.

Contents are compared, not times. Nothing is ever deleted: files that exist on one side only are kept.
"""

from __future__ import annotations

import fnmatch
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.settings import Settings
from drcli.contract.keys import join
from drcli.errors import DrError
from drcli.launch.bucket import open_bucket
from drcli.paths import Workspace
from drcli.store.client import Bucket, ObjectInfo
from drcli.workspace.scaffold import CUSTOM_FILES

# Left behind by Python, notebooks, editors and operating systems; hidden files count as stray, too.
STRAY_FOLDERS = ("__pycache__",)
STRAY_FILES = (
    *("*.pyc", "*.pyo", "*.ipynb", "Thumbs.db", "desktop.ini"),
    *("*~", "#*#", "*.bak", "*.orig", "*.swp", "*.swo", "*.tmp", "*.part"),
)


class Difference(Enum):
    """How a local file compares with the one of the same name in the bucket."""

    SAME = "same"
    DIFFERS = "differs"
    ONLY_HERE = "only here"
    ONLY_THERE = "only in the bucket"


@dataclass(frozen=True)
class ComparedFile:
    """One file: its name under custom_files/, its local path and its key in the bucket."""

    name: str
    path: Path
    key: str
    state: Difference
    size_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Both sides. `stray`: local files that do not belong to the model."""

    bucket: Bucket
    prefix: str
    folder: Path
    files: tuple[ComparedFile, ...]
    stray: tuple[str, ...]

    def upload(self, file: ComparedFile) -> None:
        """Copy a file to the bucket."""
        self.bucket.upload_file(file.path, file.key)

    def download(self, file: ComparedFile) -> None:
        """Replace the local file with the one in the bucket, atomically."""
        if file.path.is_dir():
            raise DrError(
                f"{file.path} is a folder, but a file in the bucket.", "Rename or move one of them."
            )
        try:
            self.bucket.download_file(file.key, file.path)
        except OSError as error:
            raise DrError(f"Cannot write {file.path}: {error.strerror}.") from None


def compare(settings: Settings, workspace: Workspace, *, write: bool = False) -> Comparison:
    """Compare both sides; changes nothing. `write`: the bucket will be written to afterwards."""
    folder = workspace.custom_files
    prefix = join(settings.local_s3_custom_files_prefix)
    here, stray = _local(folder)
    bucket = open_bucket(settings, workspace, write=write)
    there = _remote(bucket, prefix, _of_experiments(workspace))
    files = []
    for name in sorted(here | there.keys()):
        path, info = folder / name, there.get(name)
        files.append(
            _compared(bucket, name, path if name in here else None, info, f"{prefix}/{name}", folder)
        )
    return Comparison(bucket, prefix, folder, tuple(files), stray)


def faults(workspace: Workspace) -> Iterator[str]:
    """Errors and warnings in the three files that a training reads, one message each. Runs none of the code."""
    folder = workspace.custom_files
    checks: dict[str, Callable[[bytes, str], tuple[str, ...]]] = {
        "hyperparameters.json": lambda data, name: Hyperparameters.parse(data, name).warnings,
        "model_metadata.json": lambda data, name: ModelMetadata.parse(data, name).warnings,
        "reward_function.py": _check_reward,
    }
    for name in CUSTOM_FILES:
        path = folder / name
        if not path.is_file():
            yield f"{path} is missing; a training needs it"
            continue
        try:
            yield from checks[name](_read(path), str(path))
        except DrError as error:
            yield error.message


def is_stray(name: str) -> bool:
    """Whether `name` (a path with slashes) is something that programs leave behind, not a file of the model."""
    *folders, last = name.split("/")
    if any(part.startswith(".") or part in STRAY_FOLDERS for part in folders) or last.startswith("."):
        return True
    return any(fnmatch.fnmatchcase(last, pattern) for pattern in STRAY_FILES)


def own_files(folder: Path) -> tuple[str, ...]:
    """Names (with slashes) of the files in a folder of custom files, without stray ones."""
    return tuple(sorted(_local(folder)[0]))


def _local(folder: Path) -> tuple[set[str], tuple[str, ...]]:
    found = set()
    stray = []
    for root, folders, names in os.walk(folder):
        inside = Path(root).relative_to(folder)
        skipped = [name for name in folders if name.startswith(".") or name in STRAY_FOLDERS]
        stray += [f"{(inside / name).as_posix()}/" for name in sorted(skipped)]
        folders[:] = sorted(set(folders) - set(skipped))
        for name in sorted(names):
            path = Path(root, name)
            shown = path.relative_to(folder).as_posix()
            if not path.is_file():
                continue
            if is_stray(shown) or "\\" in shown or not _is_text(shown):
                stray.append(shown.encode(errors="replace").decode())
            else:
                found.add(shown)
    return found, tuple(stray)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _of_experiments(workspace: Workspace) -> set[str]:
    """Folders directly under the workspace's own prefix that belong to experiments (`dr new-experiment`)."""
    if workspace.experiment:
        return set()
    return {path.name for path in (workspace.root / "experiments").glob("*") if path.is_dir()}


def _remote(bucket: Bucket, prefix: str, others: set[str]) -> dict[str, ObjectInfo]:
    """Name → object. Skips keys that would be written outside the folder."""
    found = {}
    for info in bucket.list(f"{prefix}/"):
        name = info.key.removeprefix(f"{prefix}/")
        parts = name.split("/")
        is_path = (
            not {"", ".", ".."} & set(parts) and not any(c in name for c in "\\\0") and ":" not in parts[0]
        )
        if is_path and not is_stray(name) and not (len(parts) > 1 and parts[0] in others):
            found[name] = info
    return found


def _compared(
    bucket: Bucket, name: str, path: Path | None, info: ObjectInfo | None, key: str, folder: Path
) -> ComparedFile:
    if path is None:
        assert info is not None
        return ComparedFile(name, folder / name, key, Difference.ONLY_THERE, info.size_bytes)
    size = path.stat().st_size
    state = Difference.ONLY_HERE
    if info is not None:
        same = size == info.size_bytes and _read(path) == bucket.find(key)
        state = Difference.SAME if same else Difference.DIFFERS
    return ComparedFile(name, path, key, state, size if info is None else info.size_bytes)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DrError(f"{path} cannot be read: {error.strerror}.") from None


def _check_reward(data: bytes, filename: str) -> tuple[str, ...]:
    """Compile it without running it: an upload must not run code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. of invalid escape sequences
            code = compile(data, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        return (f"{filename}:{error.lineno or 1}: {error.msg}",)
    except ValueError as error:
        return (f"{filename}: {error}",)
    if "reward_function" not in code.co_names:
        return (f"{filename}: reward_function(params) is not defined",)
    return ()
