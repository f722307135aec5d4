from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from drfc_folder import make_folder, write_profile

from drcli.cli import main
from drcli.store.client import Bucket


@pytest.fixture
def folder(tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose store runs and holds one model."""
    monkeypatch.chdir(tmp_path)
    config = bucket.config
    write_profile(Path.home(), "minio", config.access_key, config.secret_key)
    port = str(config.endpoint_url).rpartition(":")[2]
    bucket.put("first/training_params.yaml", b"WORLD_NAME: 'reinvent_base'\n")
    return make_folder(
        tmp_path / "there", system={"DR_LOCAL_S3_BUCKET": config.bucket, "DR_STORE_PORT": port}
    )


def dr(*words: str) -> Result:
    return CliRunner().invoke(main, ["import-drfc", *words], catch_exceptions=False)


def test_a_dry_run_touches_nothing(folder: Path) -> None:
    answer = dr("there", "racer", "--models", "--dry-run")
    assert answer.exit_code == 0
    assert "would write system.env" in answer.stdout
    assert "DR_DOCKER_STYLE=swarm  ->  DR_DOCKER_STYLE=process" in answer.stdout
    assert "would copy  model first" in answer.stderr
    assert not Path("racer").exists()


def test_all_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(folder / "run.env", "a") as file:
        file.write("DR_COACH_IMAGE=5.2.1\n")
    answer = dr("there", "racer", "--model", "first")
    assert answer.exit_code == 0
    assert "wrote       run.env" in answer.stdout and "copied      model first: 1 objects" in answer.stderr
    assert "DR_COACH_IMAGE has no effect" in answer.stderr
    assert "next: cd racer && dr doctor" in answer.stderr
    monkeypatch.chdir("racer")
    shown = json.loads(CliRunner().invoke(main, ["config", "docker_style", "--json"]).stdout)
    assert shown["settings"][0]["value"] == "process"


def test_json(folder: Path) -> None:
    seen = json.loads(dr("there", "racer", "--models", "--json").stdout)
    assert seen["models"] == [{"prefix": "first", "objects": 1, "size_bytes": 28, "was_there": False}]
    assert {"name": "run.env", "was": "missing"} in seen["files"]
    assert [change["after"] for change in seen["changes"] if "STYLE" in change["after"]] == [
        "DR_DOCKER_STYLE=process"
    ]


def test_what_differs_is_left_alone_and_named(folder: Path) -> None:
    assert dr("there", "racer").exit_code == 0
    Path("racer/run.env").write_text("")
    answer = dr("there", "racer")
    assert "kept        run.env" in answer.stdout and "already exist and differ: run.env" in answer.stderr
    assert "--models copies them" in answer.stderr
    assert Path("racer/run.env").read_text() == ""


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    answer = dr(str(tmp_path), str(tmp_path / "racer"))
    assert answer.exit_code == 1 and "is not a DeepRacer-for-Cloud folder" in answer.stderr


def test_help_has_an_example() -> None:
    answer = dr("--help")
    assert (
        answer.exit_code == 0 and "  dr import-drfc ~/deepracer-for-cloud my-racer --models" in answer.stdout
    )
