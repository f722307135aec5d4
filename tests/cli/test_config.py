from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "system.env").write_text("DR_LOCAL_SECRET_ACCESS_KEY=hunter2\n")
    (tmp_path / "run.env").write_text("DR_WORLD_NAME=Oval_track\nMINE=1\nDR_TYPO=2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dr(*args: str) -> Result:
    return CliRunner().invoke(main, args, catch_exceptions=False)


def test_value_and_source(workspace: Path) -> None:
    lines = [line.split() for line in dr("config").stdout.splitlines()]
    assert lines[0] == ["name", "source", "value"]
    assert ["DR_WORLD_NAME", "run.env:1", "Oval_track"] in lines
    assert ["DR_WORKERS", "default", "1"] in lines
    assert ["MINE", "run.env:2", "1"] in lines


def test_notices_go_to_stderr() -> None:
    result = dr("config", "WORKERS", "--set", "DR_WORKERS=2")
    assert result.stdout.splitlines()[1:] == ["DR_WORKERS  --set   2"]
    assert "run.env:3: DR_TYPO is not a setting" in result.stderr


def test_json(workspace: Path) -> None:
    found = json.loads(dr("config", "--json").stdout)
    rows = {row["name"]: row for row in found["settings"]}
    assert found["workspace"] == str(workspace)
    assert found["experiment"] is None
    assert rows["DR_WORLD_NAME"]["source"] == "run.env:1"
    assert len(found["notices"]) == 1


def test_secrets_are_masked() -> None:
    for args in (["config"], ["config", "--json"], ["config", "LOCAL_SECRET_ACCESS_KEY"]):
        result = dr(*args)
        assert "hunter2" not in result.output
        assert "********" in result.stdout


def test_wrong_settings_end_with_code_2(workspace: Path) -> None:
    (workspace / "run.env").write_text("DR_WORKERS=x\n")
    result = dr("config")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "run.env:1: DR_WORKERS=x: expected a whole number, 1 or more" in result.stderr


def test_outside_a_workspace(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    result = dr("config")
    assert result.exit_code == 1
    assert "dr init" in result.stderr
