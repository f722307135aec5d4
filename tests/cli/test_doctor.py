from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.cli.doctor import format_finding
from drcli.doctor.finding import Finding
from drcli.paths import Workspace
from drcli.workspace.scaffold import plan_workspace


@pytest.fixture(autouse=True)
def racer(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for file in plan_workspace(workspace):
        file.write()
    with workspace.system_env.open("a") as system_env:
        system_env.write(f"DR_STORE_PORT={free_port}\n")
    monkeypatch.chdir(workspace.root)
    return workspace


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def test_all_is_well() -> None:
    answer = dr("doctor")
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert lines[-1].startswith("0 errors, ")
    assert any(line.split()[:2] == ["OK", "python"] for line in lines)
    assert "next: dr start-training" in answer.stderr


def test_an_error_names_its_fix_and_ends_with_code_1(racer: Workspace) -> None:
    (racer.custom_files / "reward_function.py").unlink()
    answer = dr("doctor")
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("error"))
    assert lines[place].split()[1] == "files" and "reward_function.py cannot be read" in lines[place]
    assert lines[place + 1].split() == [
        "fix:",
        "`dr",
        "init`",
        "puts",
        "a",
        "working",
        *lines[place + 1].split()[6:],
    ]
    assert lines[-1].startswith("1 error, ")
    assert "next: dr doctor" in answer.stderr


def test_json(racer: Workspace) -> None:
    racer.run_env.write_text("DR_TYPO=1\nDR_LOCAL_SECRET_ACCESS_KEY=hunter2\n")
    racer.run_env.chmod(0o644)
    answer = dr("doctor", "--json", "--set", "DR_WORLD_NAME=mine.yaml")
    found = json.loads(answer.stdout)
    assert set(found) == {"findings", "errors", "warnings"}
    assert all(set(row) == {"area", "level", "message", "fix"} for row in found["findings"])
    levels = [row["level"] for row in found["findings"]]
    assert found["errors"] == levels.count("error") == 1
    assert found["warnings"] == levels.count("warning") >= 2
    assert answer.exit_code == 1
    assert "hunter2" not in answer.output


def test_outside_of_a_workspace(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    answer = dr("doctor")
    assert answer.exit_code == 0
    assert "Only the machine was checked" in answer.stdout.splitlines()[0]
    assert "next: dr init" in answer.stderr


def test_lines_are_aligned() -> None:
    lines = [format_finding(Finding(area, "error", "one\ntwo", "three")) for area in ("gpu", "credentials")]
    for line in (line for text in lines for line in text.splitlines()):
        plain = line.replace("\x1b[31m", "").replace("\x1b[36m", "").replace("\x1b[0m", "")
        words = ("one", "two", "fix: three")
        assert next(plain.index(word) for word in words if word in plain) == 21


def test_help_has_an_example(tmp_path: Path) -> None:
    answer = dr("doctor", "--help")
    assert answer.exit_code == 0
    assert "  dr doctor --json" in answer.stdout
