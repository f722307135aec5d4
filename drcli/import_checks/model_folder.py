"""A model folder on this machine, or packed: the sizes of its files, and the documents among them."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drcli.errors import DrError
from drcli.import_checks.checkpoint_rules import COACH

ARCHIVES = (".tar.gz", ".tgz", ".zip")
_MOST_BYTES = 64 << 20  # of a document: metrics of a long training are a few MB
_DOCUMENTS = (".json", ".yaml", ".py", ".index")

_File = tuple[str, int, bytes | None]  # name, size, content of a document


@dataclass(frozen=True)
class ModelFolder:
    """Its files by their names in the folder."""

    sizes: dict[str, int]
    documents: dict[str, bytes]


def read_folder(path: Path) -> ModelFolder:
    """The folder `path`, or what is packed in it. Raises DrError if it cannot be read."""
    try:
        if path.is_dir():
            return _listed(_files(path))
        if path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                return _collect(_zipped(archive))
        with tarfile.open(path) as packed:
            return _collect(_packed(packed))
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise DrError(
            f"{path} cannot be read: {error}", f"A folder, or one packed as {', '.join(ARCHIVES)}."
        ) from None


def _collect(files: Iterable[_File]) -> ModelFolder:
    """Names are those under the top folder, if everything is packed in one."""
    found = [(name.removeprefix("./"), size, content) for name, size, content in files]
    tops = {name.partition("/")[0] for name, _, _ in found}
    if len(tops) == 1 and all("/" in name for name, _, _ in found):
        found = [(name.partition("/")[2], size, content) for name, size, content in found]
    return _listed(found)


def _listed(files: Iterable[_File]) -> ModelFolder:
    found = [*files]
    documents = {name: content for name, _, content in found if content is not None}
    return ModelFolder({name: size for name, size, _ in found}, documents)


def _files(folder: Path) -> Iterator[_File]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, size = path.relative_to(folder).as_posix(), path.stat().st_size
            yield name, size, path.read_bytes() if _is_document(name, size) else None


def _zipped(archive: zipfile.ZipFile) -> Iterator[_File]:
    for info in archive.infolist():
        if not info.is_dir():
            is_document = _is_document(info.filename, info.file_size)
            yield info.filename, info.file_size, archive.read(info) if is_document else None


def _packed(archive: tarfile.TarFile) -> Iterator[_File]:
    for info in archive:
        if info.isfile():
            file = archive.extractfile(info) if _is_document(info.name, info.size) else None
            yield info.name, info.size, file.read() if file else None


def _is_document(name: str, size: int) -> bool:
    path = PurePosixPath(name)
    return size <= _MOST_BYTES and (path.suffix in _DOCUMENTS or path.name == PurePosixPath(COACH).name)
