from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from drcli.cli import main


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No custom files, no data."""
    (tmp_path / "system.env").write_text("")
    (tmp_path / "run.env").write_text("DR_CAR_NAME=My Car\nDR_UPLOAD_S3_BUCKET=target\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dr(*args: str) -> Result:
    return CliRunner().invoke(main, args, catch_exceptions=False)


def files(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*")}


@pytest.mark.parametrize("kind", ["training", "evaluation", "upload"])
def test_prints_the_document_and_touches_nothing(workspace: Path, kind: str) -> None:
    before = files(workspace)
    result = dr("render", kind)
    assert result.exit_code == 0
    assert result.stdout.startswith("---\n'A")
    assert "\n'AWS_REGION': 'us-east-1'\n" in result.stdout
    assert "My Car" in str(yaml.safe_load(result.stdout))
    assert files(workspace) == before


def test_exactly_as_it_is_uploaded() -> None:
    from drcli.config.load import find_workspace, load_settings
    from drcli.config.params_documents import render_training, to_yaml

    overrides = ("DR_WORKERS=2", "DR_STORE_PORT=9123")
    result = dr("render", "training", *(word for each in overrides for word in ("--set", each)))
    (document,) = render_training(load_settings(find_workspace(), overrides), "http://127.0.0.1:9123")
    assert result.stdout == to_yaml(document.values)
    assert f"# {document.key}" in result.stderr


def test_a_document_for_each_worker(workspace: Path) -> None:
    (workspace / "run.env").write_text("DR_WORKERS=2\nDR_TRAIN_MULTI_CONFIG=True\n")
    (workspace / "worker-2.env").write_text("DR_WORLD_NAME=Oval_track\nDR_WORKERS=9\n")
    result = dr("render", "training")
    first, second = yaml.safe_load_all(result.stdout)
    assert (first["WORLD_NAME"], second["WORLD_NAME"]) == ("drcli_harbour", "Oval_track")
    assert ("MULTI_CONFIG" in first, second["MULTI_CONFIG"], second["NUM_WORKERS"]) == (False, "True", "2")
    assert "training_params_2.yaml" in result.stderr
    assert "worker-2.env:2: DR_WORKERS is the same for all workers" in result.stderr


def test_clone() -> None:
    values = yaml.safe_load(dr("render", "evaluation", "-c").stdout)
    assert values["MODEL_S3_PREFIX"] == ["rl-deepracer-sagemaker-E"]


def test_upload_names_the_target() -> None:
    values = yaml.safe_load(dr("render", "upload").stdout)
    assert values["SAGEMAKER_SHARED_S3_BUCKET"] == "target"
    assert values["REWARD_FILE_S3_KEY"] == "rl-deepracer-sagemaker-1/reward_function.py"


def test_missing_worker_file(workspace: Path) -> None:
    (workspace / "run.env").write_text("DR_WORKERS=2\nDR_TRAIN_MULTI_CONFIG=True\n")
    result = dr("render", "training")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "worker-2.env is missing" in result.stderr
    assert dr("render", "evaluation").exit_code == 0
