from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import drcli
from drcli.cli import main

WANTED = f"drcli/simapp:{drcli.__version__}-cpu"


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no workspace."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.docker
def test_list_outside_of_a_workspace(outside: Path) -> None:
    answer = dr("images", "list", "--json")
    assert answer.exit_code == 0, answer.stderr
    found = json.loads(answer.stdout)
    here = [info for info in found if info["is_wanted"]]
    assert [f"{info['name']}:{info['tag']}" for info in here] in ([], [WANTED])
    is_fresh = bool(here) and not here[0]["is_outdated"]
    assert f"next: dr {'start-training' if is_fresh else 'images build'}" in answer.stderr
    assert dr("images", "list").exit_code == 0


@pytest.mark.docker
@pytest.mark.parametrize(
    ("source", "version", "advice"),
    [
        ("drcli/simapp", "no-such-tag", "dr images build"),
        (
            "awsdeepracercommunity/deepracer-simapp",
            "0-none",
            "docker pull awsdeepracercommunity/deepracer-simapp:0-none",
        ),
    ],
)
def test_list_in_a_workspace(outside: Path, source: str, version: str, advice: str) -> None:
    (outside / "system.env").write_text(f"DR_SIMAPP_SOURCE={source}\nDR_SIMAPP_VERSION={version}\n")
    (outside / "run.env").write_text("")
    answer = dr("images", "list")
    assert answer.exit_code == 0, answer.stderr
    assert (
        f"{source}:{version} is not on this machine" in answer.stderr and f"next: {advice}" in answer.stderr
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("build", "--wheels", "nowhere"), "--wheels nowhere is not a folder"),
        (("build", "--ca", "nowhere"), "--ca nowhere is not a file"),
        (("build", "--tag", "no tag"), "'no tag' is not a valid image tag"),
        (("push", "https://host"), "'https://host' is not a registry"),
    ],
)
def test_bad_input(outside: Path, words: tuple[str, ...], complaint: str) -> None:
    answer = dr("images", *words)
    assert answer.exit_code == 2
    assert complaint in answer.stderr and "Traceback" not in answer.stderr and answer.stdout == ""


def test_no_docker(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(outside))
    answer = dr("images", "build")
    assert answer.exit_code == 1
    assert "Docker is not installed" in answer.stderr


@pytest.mark.parametrize("name", ["build", "list", "push"])
def test_help_has_an_example(name: str) -> None:
    answer = dr("images", name, "--help")
    assert answer.exit_code == 0
    assert f"  dr images {name}" in answer.stdout
