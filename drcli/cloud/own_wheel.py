"""drcli as a wheel, for a machine that has none: packed from the installed package, or from the clone that runs.

Nothing is built and nothing is downloaded: a wheel of pure Python is a ZIP file of the package and its metadata
(packaging.python.org/en/latest/specifications/binary-distribution-format). Equal files give equal wheels.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import drcli
from drcli import paths
from drcli.errors import DrError

_NAME = "drcli"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the oldest time that a ZIP file can hold
_WHEEL = "Wheel-Version: 1.0\nGenerator: drcli\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_SCRIPTS = "[console_scripts]\ndr = drcli.cli:main\n"


@dataclass(frozen=True)
class Wheel:
    """A wheel: its file name and its content."""

    name: str
    data: bytes


def own_wheel() -> Wheel:
    """The drcli that is running, as a wheel. Raises DrError if its metadata was not found."""
    info = f"{_NAME}-{drcli.__version__}.dist-info"
    files = dict(_package_files())
    files |= {
        f"{info}/METADATA": _metadata().encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
        f"{info}/entry_points.txt": _SCRIPTS.encode(),
    }
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[record] = "".join(f"{line}\n" for line in [*lines, f"{record},,"]).encode()
    return Wheel(f"{_NAME}-{drcli.__version__}-py3-none-any.whl", _zip(files))


def _package_files() -> Iterator[tuple[str, bytes]]:
    """The package, with templates and compose files inside, where an installation has them."""
    rooms = {
        _NAME: Path(drcli.__file__).parent,
        f"{_NAME}/compose": paths.compose_dir(),
        f"{_NAME}/defaults": paths.defaults_dir(),
    }
    found = {}
    for target, folder in rooms.items():
        for path in folder.rglob("*"):
            inner = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inner.parts):
                found[f"{target}/{inner.as_posix()}"] = path
    for name in sorted(found):
        if not name.endswith(".pyc"):
            yield name, found[name].read_bytes()


def _metadata() -> str:
    """Name, version and what it requires: of the clone if this is one, else of the installation."""
    project = Path(drcli.__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        facts = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        if facts["name"] == _NAME:
            return _header(facts["requires-python"], facts["dependencies"])
    try:
        installed = metadata.metadata(_NAME)
    except metadata.PackageNotFoundError:
        raise DrError(
            f"What drcli requires is not known: {project} was not found, and drcli is not installed.",
            "Install it with pip, or run it from its clone.",
        ) from None
    required = [text for text in installed.get_all("Requires-Dist") or () if "extra ==" not in text]
    return _header(installed["Requires-Python"], required)


def _header(python: str, required: list[str]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {_NAME}", f"Version: {drcli.__version__}"]
    lines += [f"Requires-Python: {python}", *(f"Requires-Dist: {text}" for text in required)]
    return "".join(f"{line}\n" for line in lines)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()
