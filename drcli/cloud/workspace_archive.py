"""The workspace as one small file: packed for a rented machine, unpacked there.

What a run reads goes along: env files, custom files, the files that sweeps name, tracks. What runs leave behind stays,
and so do credentials: the machine has a role of its own.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drcli.config import envfile
from drcli.config.report import masked
from drcli.errors import DrError, UsageError
from drcli.local import write_atomically
from drcli.paths import Workspace

MAX_BYTES = 100 << 20  # of all files together; a workspace has some KB, own tracks a few MB
_READ_BY_RUNS = {".csv", ".env", ".json", ".npy", ".py", ".txt", ".yaml", ".yml"}
_CREDENTIALS = re.compile(r"(?:^|/)(?:credentials|secrets?|id_[a-z0-9]+|\.netrc)(?:\.|$)", re.IGNORECASE)
_ASSIGNMENT_IN_COMMENT = re.compile(r"^\s*#+\s*(?=(?:export\s+)?\w+\s*=)")


@dataclass(frozen=True)
class PackedWorkspace:
    """The archive, the names in it, and what was kept back as it may be a credential: `system.env:7`, `me.pem`."""

    data: bytes
    names: tuple[str, ...]
    held_back: tuple[str, ...]


def pack(workspace: Workspace) -> PackedWorkspace:
    """Pack what a run on another machine reads. Equal files give equal archives.

    Raises:
        UsageError: the files are larger than `MAX_BYTES`.
        DrError: a file cannot be read.
    """
    files: dict[str, bytes] = {}
    held_back: list[str] = []
    for path in _candidates(workspace):
        name = path.relative_to(workspace.root).as_posix()
        if _CREDENTIALS.search(name):
            held_back.append(name)
            continue
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            raise DrError(f"Cannot read {path}: {error.strerror}.") from None
        if path.suffix == ".env":
            files[name], lines = without_secrets(files[name], name)
            held_back += lines
        if sum(map(len, files.values())) > MAX_BYTES:
            raise UsageError(
                f"The files of {workspace.root} have more than {MAX_BYTES / 1e6:.0f} MB, at {name}.",
                "Move what runs do not read to another folder, or into data/.",
            )
    return PackedWorkspace(archive(files), tuple(files), tuple(held_back))


def without_secrets(data: bytes, name: str) -> tuple[bytes, list[str]]:
    """An env file without the lines that assign a secret, also in comments, and their places.

    An empty line takes their place, so that line numbers in messages stay true.
    """
    kept, places = [], []
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        bare = _ASSIGNMENT_IN_COMMENT.sub("", line.decode("utf-8-sig", errors="replace"))
        found, _ = envfile.parse(bare.encode(), name)
        if any(masked(item.key, item.value) != item.value for item in found):
            places.append(f"{name}:{number}")
            line = b"\n"
        kept.append(line)
    return b"".join(kept), places


def archive(files: Mapping[str, bytes]) -> bytes:
    """Files as one, for `unpack`. Equal files give equal archives."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as opened,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            opened.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def unpack(data: bytes, root: Path) -> tuple[str, ...]:
    """Write the files of an archive under `root`; returns their names. Existing files are replaced.

    Raises:
        DrError: it is no archive of ours, is damaged, or names a file outside of `root`; nothing is written then.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as opened:
            files = dict(_contents(opened))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DrError(
            f"The packed workspace cannot be read: {error}.", "`dr cloud up` packs it again."
        ) from error
    for name, content in files.items():
        write_atomically(root / name, content)
    return tuple(files)


def _candidates(workspace: Workspace) -> Iterator[Path]:
    """Files that a run may read, sorted; of the experiments only the chosen one. Nothing that is linked to."""
    for path in sorted(workspace.root.rglob("*")):
        inner = path.relative_to(workspace.root)
        if path.is_symlink() or not path.is_file() or path.suffix not in _READ_BY_RUNS:
            continue
        if any(part.startswith((".", "__pycache__")) for part in inner.parts) or _is_link(path, workspace):
            continue
        if inner.parts[0] == "data" and not path.is_relative_to(workspace.tracks):
            continue
        is_experiment = inner.parts[0] == "experiments" and len(inner.parts) > 2
        if workspace.experiment and is_experiment and inner.parts[1] != workspace.experiment:
            continue
        yield path


def _is_link(path: Path, workspace: Workspace) -> bool:
    """Whether a folder on the way to the file is a link, perhaps to somewhere else."""
    return any(folder.is_symlink() for folder in path.parents if folder.is_relative_to(workspace.root))


def _contents(opened: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    room = MAX_BYTES
    for entry in opened:
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name or ":" in entry.name:
            raise tarfile.TarError(f"{entry.name} would be outside of the workspace")
        if entry.isdir():
            continue
        if not entry.isfile():
            raise tarfile.TarError(f"{entry.name} is not a file")
        room -= entry.size
        if room < 0:
            raise tarfile.TarError(f"it holds more than {MAX_BYTES / 1e6:.0f} MB")
        stream = opened.extractfile(entry)
        assert stream is not None
        yield path.as_posix(), stream.read()
