"""`dr reward`: check, rank and plot, with the workspace's function and with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from racing import TINY_TRACK

from drcli.cli import main
from drcli.paths import Workspace
from drcli.store.server import stop_server

HEAD = "def reward_function(params):\n"
GOOD = HEAD + "    return 0.0 if params['is_offtrack'] else params['progress'] / params['steps']\n"
SLOW_IS_BEST = HEAD + "    return 1.0 - params['distance_from_center'] - params['speed'] / 9\n"
BROKEN = HEAD + "    return params['closest_waypoint']\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["init", "."]).exit_code == 0
    (tmp_path / "data" / "tracks").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data" / "tracks" / "tiny.yaml").write_text(TINY_TRACK)
    run_env = tmp_path / "run.env"
    run_env.write_text(run_env.read_text().replace("DR_WORLD_NAME=", "DR_WORLD_NAME=tiny\n#"))
    return tmp_path


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, ["reward", *words])


def write(folder: Path, source: str) -> None:
    (folder / "custom_files" / "reward_function.py").write_text(source)


def test_check_shows_what_the_default_function_pays_and_reads() -> None:
    result = dr("check")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["state", "at"]
    assert any(line.startswith("off the track") and line.endswith("-1") for line in lines)
    assert "depends on earlier steps: no" in lines and "prints: nothing" in lines
    assert any(line.startswith("reads: closest_waypoints, distance_from_center, heading") for line in lines)
    assert "refuse" not in result.stdout
    assert "works on tiny" in result.stderr and "next: dr reward rank" in result.stderr


def test_check_of_a_broken_function_fails_with_line_params_and_hint(here: Path) -> None:
    write(here, BROKEN)
    result = dr("check", "--json", "--no-droa")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    (error,) = report["findings"][:1]
    assert report["works"] is False and error["severity"] == "error"
    assert "reward_function.py:2: KeyError: 'closest_waypoint'\nparams: {" in error["message"]
    assert error["hint"] == "Did you mean params['closest_waypoints']?"
    assert "cannot be used: 1 error" in result.stderr


def test_check_says_what_deepracer_on_aws_would_refuse(here: Path) -> None:
    write(here, "import time\n\n\ndef reward_function(params):\n    return 1 + time.time()\n")
    result = dr("check")
    assert result.exit_code == 0, result.output
    assert "DeepRacer on AWS would refuse it:\n  line 1: import of time is not allowed" in result.stdout
    assert "reads the clock: yes, that of the simulation" in result.stdout


def test_rank_of_good_and_bad(here: Path) -> None:
    write(here, GOOD)
    result = dr("rank")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split() == [
        "drive",
        "ends",
        "steps",
        "reward",
        "of",
        "a",
        "step",
        "discounted",
    ]
    assert "next: dr " in result.stderr

    other = here / "other.py"
    other.write_text(SLOW_IS_BEST)
    result = dr("rank", str(other), "--json")
    assert result.exit_code == 1
    ranking = json.loads(result.stdout)
    assert ranking["orders"]["episode"]["verdict"] == "reversed" and not ranking["is_right"]
    assert ranking["discount_factor"] == 0.97, "that of the workspace's hyperparameters.json"
    assert ranking["wrong_pairs"][0]["reason"]
    assert "error: It pays" in result.stderr


def test_the_race_is_that_of_the_settings(here: Path) -> None:
    write(here, HEAD + "    return params['objects_distance'][0] + params['is_crashed']\n")
    alone = dr("check", "--no-droa")
    assert alone.exit_code == 1 and "There are no objects on the road" in alone.stdout
    boxes = "--set", "DR_RACE_TYPE=OBJECT_AVOIDANCE", "--set", "DR_OA_NUMBER_OF_OBSTACLES=1"
    assert dr("check", "--no-droa", *boxes).exit_code == 0
    assert dr("plot", *boxes).exit_code == 0
    models = dr("rank", "--set", "DR_RACE_TYPE=HEAD_TO_MODEL")
    assert models.exit_code == 2 and "is for evaluations, which pay no rewards" in models.stderr
    many = dr("rank", *boxes[:2], "--set", "DR_OA_NUMBER_OF_OBSTACLES=99")
    assert many.exit_code == 2 and "DR_OA_NUMBER_OF_OBSTACLES=99" in many.stderr


def test_rank_wants_traces_that_exist(here: Path) -> None:
    try:
        result = dr("rank", "--traces", "no-model")
    finally:
        stop_server(Workspace(here))  # which it has started to look there
    assert result.exit_code == 1
    assert "no-model" in result.stderr


def test_plot_draws_a_file(here: Path) -> None:
    result = dr("plot", "--speed", "2", "--heading-error", "10", "-o", "pictures/mine.png")
    assert result.exit_code == 0, result.output
    assert (here / result.stdout.strip()).read_bytes().startswith(b"\x89PNG")
    assert "It pays " in result.stderr


def test_outside_of_a_workspace_a_file_and_a_track_are_enough(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(folder)
    (folder / "mine.py").write_text(GOOD)
    (folder / "tiny.yaml").write_text(TINY_TRACK)
    assert dr("check", "mine.py", "--track", "tiny.yaml", "--no-droa").exit_code == 0
    nothing = dr("check")
    assert nothing.exit_code == 1 and "name FILE" in nothing.stderr
    missing = dr("check", "none.py", "--track", "tiny.yaml")
    assert missing.exit_code == 1 and "none.py cannot be read" in missing.stderr
