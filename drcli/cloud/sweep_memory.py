"""What a sweep or a search knows about its variants, kept in the bucket: another machine goes on with it.

Their models are in the bucket anyway; this is `data/sweeps/` without the logs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from drcli.cloud.workspace_archive import archive, unpack
from drcli.paths import Workspace
from drcli.store.client import Bucket

_LEFT_OUT = (".log", ".lock", ".part", "-journal", "-wal", "-shm")
_DATABASES = {".db"}


class SweepMemory:
    """The memory of the sweeps in a workspace, and the object that keeps it."""

    def __init__(self, bucket: Bucket, key: str, workspace: Workspace) -> None:
        self._bucket, self._key, self._workspace = bucket, key, workspace
        self._stored = b""

    def restore(self) -> int:
        """Write what another machine has kept; the number of files. Raises DrError if the bucket is unreachable."""
        stored = self._bucket.find(self._key)
        if stored is None:
            return 0
        self._stored = stored
        return len(unpack(stored, self._workspace.root))

    def sync(self) -> None:
        """Keep what has changed. Raises DrError if the bucket is unreachable; the next call makes up for it."""
        try:
            files = {
                path.relative_to(self._workspace.root).as_posix(): _content(path) for path in self._files()
            }
        except (OSError, sqlite3.Error):  # it is being written to: the next call finds it whole
            return
        packed = archive(files)
        if files and packed != self._stored:
            self._bucket.put(self._key, packed)
            self._stored = packed

    def _files(self) -> Iterator[Path]:
        folder = self._workspace.sweeps
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            is_draft = any(part.startswith(".") for part in inner.parts)
            if path.is_file() and not (is_draft or "logs" in inner.parts or path.name.endswith(_LEFT_OUT)):
                yield path


def _content(path: Path) -> bytes:
    """A file as it is; of a database a state between two transactions, even while it is in use."""
    if path.suffix not in _DATABASES:
        return path.read_bytes()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return database.serialize()
