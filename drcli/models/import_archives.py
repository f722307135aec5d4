"""Unpacks what could be a part of a model from a `.tar.gz`, `.tar` or `.zip` that somebody else made.

Nothing in an archive is trusted: its names never become paths here, links are not followed, and what unpacks to more
than `Limits` is given up while it is being read, before it fills memory or disk.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn, Self, cast

from drcli.errors import DrError
from drcli.models.import_layout import is_known
from drcli.store.transfer import Tell

_CHUNK_BYTES = 1 << 20
# What an encoder may have written: damaged bytes reach all of these.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    RecursionError,
)
_UNREADABLE = (NotImplementedError, RuntimeError)  # zipfile: a method it does not have, a password


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold. `header_bytes`: of what describes one file."""

    files: int = 100_000
    size_bytes: int = 4 << 30
    header_bytes: int = 4 << 20


@dataclass
class Unpacked:
    """`files`: name in the archive → its content on disk; `others`: names that no model has; `links`: left alone."""

    files: dict[str, Path] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def unpack(archive: Path, folder: Path, tell: Tell, limits: Limits = Limits()) -> Unpacked:
    """Unpack to numbered files in `folder`.

    Raises:
        DrError: not an archive, damaged, cut off, too large, or made to harm.
    """
    read = _Reading(archive, folder, tell, limits)
    try:
        with archive.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start[:2] == b"PK":
                _unpack_zip(raw, read)
            else:
                is_zipped = start[:2] == b"\x1f\x8b"
                _unpack_tar(_Counted(gzip.GzipFile(fileobj=raw) if is_zipped else raw, raw, read), read)
    except _DAMAGED as error:
        detail = str(error) or type(error).__name__
        raise DrError(
            f"{archive.name} is not a complete .tar.gz, .tar or .zip archive: {detail}.",
            "Download it again, or unpack it yourself and give the folder.",
        ) from error
    except _UNREADABLE as error:
        raise DrError(
            f"{archive.name} cannot be unpacked: {error}.", "Unpack it yourself and give the folder."
        ) from error
    except OSError as error:
        raise DrError(f"{error.filename or archive}: {error.strerror}.") from error
    return read.unpacked


def clean_name(name: str) -> str:
    """A name as a relative path with single slashes. Raises DrError if it leads out of the archive's folder."""
    path = name.replace("\\", "/")  # old archivers of Windows
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or path[1:3] == ":/":
        raise DrError(
            f"The archive has a file {name[:80]!r}, outside its own folder.",
            "No tool for DeepRacer writes such an archive; do not unpack it.",
        )
    return "/".join(parts)


class _Reading:
    """One pass over an archive: what was counted and kept so far."""

    def __init__(self, archive: Path, folder: Path, tell: Tell, limits: Limits) -> None:
        self.archive = archive
        self.limits = limits
        self.unpacked = Unpacked()
        self._folder = folder
        self._tell = tell
        self._count = 0
        self._size_bytes = 0
        self._total_bytes = archive.stat().st_size

    def admit(self, name: str, size_bytes: int) -> str:
        """Count a file; its name. Raises DrError beyond a limit."""
        self._count += 1
        self._size_bytes += max(size_bytes, 0)
        if size_bytes < 0:
            raise ValueError("a negative size")
        if self._count > self.limits.files:
            self.refuse(f"contains more than {self.limits.files:,} files")
        if self._size_bytes > self.limits.size_bytes:
            self.refuse_size()
        return clean_name(name)

    def keep(self, name: str, content: IO[bytes] | None, size_bytes: int) -> None:
        """Read the whole content, and write it to disk if a model can have this file."""
        if content is None:
            raise ValueError(f"{name[:80]!r} has no content")
        path = self._folder / f"{self._count:06}" if is_known(name) else Path(os.devnull)
        left = size_bytes
        with path.open("wb") as out:
            while data := content.read(_CHUNK_BYTES):  # to the end, where zipfile checks the sum
                out.write(data)
                left -= len(data)
        if left:
            raise EOFError(f"{name[:80]!r} is cut off")
        if is_known(name):
            self.unpacked.files[name] = path
        else:
            self.unpacked.others.append(name)

    def tell(self, read_bytes: int) -> None:
        """Report progress."""
        self._tell(self.archive.name, read_bytes, self._total_bytes)

    def refuse_size(self) -> NoReturn:
        """Raise DrError: it unpacks to too much."""
        self.refuse(f"unpacks to more than {self.limits.size_bytes / (1 << 30):.3g} GiB")

    def refuse(self, why: str) -> NoReturn:
        """Raise DrError."""
        hint = "No model is that large. If it is one, unpack it yourself and give its folder."
        raise DrError(f"{self.archive.name} {why}.", hint)


class _Counted:
    """The stream of a tar archive, unzipped. `allowance`: bytes that may be read until it is set again."""

    def __init__(self, plain: IO[bytes] | gzip.GzipFile, raw: IO[bytes], reading: _Reading) -> None:
        self.allowance = 0
        self._plain = plain
        self._raw = raw
        self._reading = reading
        self._left = reading.limits.size_bytes

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        if self.allowance <= 0:
            raise ValueError("the description of a file does not end")
        data = self._plain.read(size)
        self.allowance -= len(data)
        self._left -= len(data)
        if self._left < 0:
            self._reading.refuse_size()
        self._reading.tell(self._raw.tell())
        return data


class _Header(tarfile.TarInfo):
    """A header that must be whole: tarfile takes a damaged one for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Parse a block."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf == bytes(tarfile.BLOCKSIZE):
                raise
            raise tarfile.ReadError(str(error)) from error


def _unpack_tar(stream: _Counted, reading: _Reading) -> None:
    limits, unpacked = reading.limits, reading.unpacked
    stream.allowance = limits.header_bytes
    with tarfile.open(
        fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=_CHUNK_BYTES, tarinfo=_Header
    ) as archive:
        while (member := archive.next()) is not None:
            stream.allowance = limits.size_bytes
            name = reading.admit(member.name, member.size)
            if member.issym() or member.islnk():
                unpacked.links.append(name)
            elif member.isreg():
                reading.keep(name, archive.extractfile(member), member.size)
            elif not member.isdir():
                unpacked.others.append(name)
            for kept in ("members", "pax_headers"):  # tarfile would keep what all files and all headers say
                vars(archive)[kept].clear()
            stream.allowance = limits.header_bytes
    stream.allowance = limits.size_bytes
    while stream.read(_CHUNK_BYTES):
        pass  # to the end, where gzip checks the sum


def _unpack_zip(raw: IO[bytes], reading: _Reading) -> None:
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            name = reading.admit(info.filename, info.file_size)
            if stat.S_ISLNK(info.external_attr >> 16):
                reading.unpacked.links.append(name)
            elif is_known(name):
                with archive.open(info) as content:
                    reading.keep(name, content, info.file_size)
                reading.tell(raw.tell())
            elif not info.is_dir():
                reading.unpacked.others.append(name)
