from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.import_checks.model_folder import read_folder

FILES = {
    "ip/hyperparameters.json": b"{}",
    "model/.coach_checkpoint": b"1",
    "model/1_Step-2.ckpt.meta": b"weights",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "mine"


@pytest.mark.parametrize("top", ["", "mine", "./"])
@pytest.mark.parametrize("suffix", [".tar.gz", ".tgz", ".zip"])
def test_packed_or_not(folder: Path, suffix: str, top: str) -> None:
    path = folder.parent / f"packed{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in FILES:
                archive.write(folder / name, f"{top.rstrip('/') or '.'}/{name}".removeprefix("./"))
    else:
        with tarfile.open(path, "w:gz") as packed:
            packed.add(folder, top or ".")
    for found in (read_folder(path), read_folder(folder)):
        assert found.sizes == {name: len(content) for name, content in FILES.items()}
        assert found.documents == {name: FILES[name] for name in FILES if not name.endswith(".meta")}


@pytest.mark.parametrize("name", ["bad.zip", "bad.tar.gz", "nothing.tgz"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    if name != "nothing.tgz":
        (tmp_path / name).write_bytes(b"not an archive")
    with pytest.raises(DrError, match="cannot be read"):
        read_folder(tmp_path / name)
