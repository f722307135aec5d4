from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from polling import DEADLINE_S

from drcli.cli import main
from drcli.config.load import find_workspace, load_settings

FILES = (
    "system.env",
    "run.env",
    "custom_files/reward_function.py",
    "custom_files/model_metadata.json",
    "custom_files/hyperparameters.json",
)
Dr = Callable[..., Result]


@pytest.fixture
def dr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dr:
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(main, args, catch_exceptions=False)


def test_makes_a_workspace_that_loads(dr: Dr, tmp_path: Path) -> None:
    result = dr("init", "my racer")
    root = tmp_path / "my racer"
    assert result.exit_code == 0
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == sorted(FILES)
    settings = load_settings(find_workspace(root))
    assert settings.notices == ()
    assert settings.docker_style == "process"
    assert "cd 'my racer' && dr start-training" in result.stderr


def test_keeps_what_is_there_when_nobody_can_be_asked(dr: Dr, tmp_path: Path) -> None:
    (tmp_path / "run.env").write_text("DR_WORKERS=3\n")
    result = dr("init")
    assert result.exit_code == 0
    assert (tmp_path / "run.env").read_text() == "DR_WORKERS=3\n"
    assert "kept       run.env" in result.stderr
    assert "wrote      system.env" in result.stderr
    assert "unchanged  system.env" in dr("init").stderr


def test_yes_overwrites(dr: Dr, tmp_path: Path) -> None:
    (tmp_path / "run.env").write_text("DR_WORKERS=3\n")
    assert dr("init", "-y").exit_code == 0
    assert "DR_WORLD_NAME=" in (tmp_path / "run.env").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no ptys")
def test_asks_for_each_file_at_a_terminal(dr: Dr, tmp_path: Path) -> None:
    import pty

    dr("init")
    for name in ("system.env", "run.env"):
        (tmp_path / name).write_text("# mine\n")
    ours, theirs = pty.openpty()
    os.write(ours, b"n\ny\n")
    done = subprocess.run(
        [sys.executable, "-m", "drcli", "init"],
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    os.close(ours)
    os.close(theirs)
    assert done.stderr.count("Overwrite it?") == 2
    assert (tmp_path / "system.env").read_text() == "# mine\n"
    assert "DR_WORLD_NAME=" in (tmp_path / "run.env").read_text()


def test_an_experiment_has_files_of_its_own(dr: Dr, tmp_path: Path) -> None:
    assert dr("-e", "wet", "init").exit_code == 0
    assert (tmp_path / "experiments" / "wet" / "custom_files" / "reward_function.py").is_file()
    assert not (tmp_path / "run.env").exists()
    assert "-e or the environment  wet" in dr("-e", "wet", "config", "EXPERIMENT_NAME").stdout


def test_a_file_in_the_way(dr: Dr, tmp_path: Path) -> None:
    (tmp_path / "custom_files").write_text("")
    result = dr("init")
    assert result.exit_code == 1
    assert "error: Cannot" in result.stderr
    assert not (tmp_path / "system.env").exists()


@pytest.mark.parametrize("name", ["../escape", "a/b", ".."])
def test_experiment_outside_of_experiments(dr: Dr, tmp_path: Path, name: str) -> None:
    result = dr("-e", name, "init")
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())
