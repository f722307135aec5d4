"""A module that is not there, and the command for the way drcli was installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drcli.missing_package import advice, install_command, package_of


def test_packages_with_another_name_than_their_module() -> None:
    assert package_of("cv2") == "opencv-python-headless"
    assert package_of("sklearn.cluster") == "scikit-learn"
    assert package_of("sympy") == "sympy"


def test_each_way_to_install_has_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = tmp_path / "drcli"
    prefix.mkdir()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "executable", "/opt/my racer/bin/python")
    python = "'/opt/my racer/bin/python'"
    assert install_command("pillow") == f"{python} -m pip install pillow"
    (prefix / "uv-receipt.toml").touch()
    assert install_command("pillow") == f"uv pip install --python {python} pillow"
    (prefix / "pipx_metadata.json").touch()
    assert install_command("pillow") == "pipx inject drcli pillow"
    monkeypatch.setenv("DR_CONTAINER", "1")
    assert install_command("pillow") == "dr images build --with pillow"


def test_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_CONTAINER", "1")
    assert advice("cv2") == "`dr images build --with opencv-python-headless` installs it."
    assert (
        advice("racing") == "`dr images build --with racing` installs it, if the package has the same name."
    )
    assert advice("json.nothing") == advice("") == ""
    (tmp_path / "racing").mkdir()
    assert "copy the code of racing into it" in advice("racing", tmp_path)
