"""drcli packed by itself: what a machine installs is what runs here."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

import drcli
from drcli.cloud import own_wheel as module
from drcli.cloud.own_wheel import own_wheel

ROOT = Path(__file__).parents[2]


def test_what_is_in_it() -> None:
    wheel = own_wheel()
    assert wheel == own_wheel()  # the same files, the same bytes
    assert wheel.name == f"drcli-{drcli.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        names = set(archive.namelist())
        record = archive.read(f"drcli-{drcli.__version__}.dist-info/RECORD").decode()
        metadata = archive.read(f"drcli-{drcli.__version__}.dist-info/METADATA").decode()
    assert {"drcli/__main__.py", "drcli/cloud/machine.sh", "drcli/compose/Dockerfile"} <= names
    assert any(name.startswith("drcli/defaults/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "docs/"))]
    assert {row[0] for row in csv.reader(io.StringIO(record))} == names
    assert "Requires-Dist: boto3>=1.35" in metadata and "Requires-Python: >=3.11" in metadata


def test_it_is_installed_and_packs_itself_again(tmp_path: Path) -> None:
    """From an installation as from a clone: the wheel that an installed drcli packs has the same files."""
    wheel = own_wheel()
    path = tmp_path / wheel.name
    path.write_bytes(wheel.data)
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(target), str(path)], check=True)
    code = (
        "import sys, pathlib; from drcli.cloud.own_wheel import own_wheel; import drcli;"
        "print(drcli.__file__); pathlib.Path(sys.argv[1]).write_bytes(own_wheel().data)"
    )
    again = tmp_path / "again.whl"
    done = subprocess.run(
        [sys.executable, "-c", code, str(again)],
        env={"PYTHONPATH": str(target), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(target / "drcli/__init__.py")
    first, second = (zipfile.ZipFile(io.BytesIO(data)) for data in (wheel.data, again.read_bytes()))
    assert {n: first.read(n) for n in first.namelist()} == {n: second.read(n) for n in second.namelist()}
    (installed,) = target.glob("*.dist-info")
    scripts = Distribution.at(installed).entry_points
    assert [(script.name, script.value) for script in scripts] == [("dr", "drcli.cli:main")]


def test_without_any_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_name: str) -> None:
        raise module.metadata.PackageNotFoundError("drcli")

    monkeypatch.setattr(module.drcli, "__file__", str(tmp_path / "drcli/__init__.py"))
    monkeypatch.setattr(module.metadata, "metadata", unknown)
    with pytest.raises(module.DrError, match="What drcli requires is not known"):
        own_wheel()
