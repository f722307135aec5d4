from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.config.load import find_workspace, load_settings
from drcli.config.settings import Settings
from drcli.paths import Workspace
from drcli.workspace.scaffold import plan_workspace

Dr = Callable[..., Result]


@pytest.fixture
def dr(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Dr:
    for file in plan_workspace(workspace):
        file.write()
    monkeypatch.chdir(workspace.root)
    return lambda *words: CliRunner().invoke(main, words, catch_exceptions=False)


def settings_of(workspace: Workspace, name: str) -> Settings:
    return load_settings(find_workspace(workspace.root, name))


def tree(workspace: Workspace, name: str) -> dict[str, bytes]:
    folder = workspace.root / "experiments" / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_copy_with_names_of_its_own(dr: Dr, workspace: Workspace) -> None:
    (workspace.root / "worker-2.env").write_text("DR_CAR_COLOR=Blue\n")
    (workspace.root / "worker-2.env.bak").write_text("")
    (workspace.custom_files / "lib").mkdir()
    (workspace.custom_files / "lib" / "lines.py").write_text("x = 1\n")
    (workspace.custom_files / "a.pyc").write_bytes(b"x")
    answer = dr("new-experiment", "wet")
    assert answer.exit_code == 0
    found = tree(workspace, "wet")
    assert sorted(found) == sorted(
        [
            *("run.env", "worker-2.env", "custom_files/lib/lines.py"),
            *(
                f"custom_files/{name}"
                for name in ("hyperparameters.json", "model_metadata.json", "reward_function.py")
            ),
        ]
    )
    root, wet = load_settings(workspace), settings_of(workspace, "wet")
    assert wet.local_s3_model_prefix == f"{root.local_s3_model_prefix}-wet"
    assert wet.local_s3_metrics_prefix == f"{root.local_s3_model_prefix}-wet/metrics"
    assert wet.local_s3_custom_files_prefix == "custom_files/wet"
    assert wet.local_s3_reward_key == "custom_files/wet/reward_function.py"
    assert wet.upload_s3_prefix == f"{root.local_s3_model_prefix}-wet-1"
    assert "+DR_LOCAL_S3_MODEL_PREFIX=rl-deepracer-sagemaker-wet" in answer.stderr
    assert "next: dr -e wet start-training" in answer.stderr
    before, after = workspace.run_env.read_text().splitlines(), found["run.env"].decode().splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 2
    assert [path.name for path in (workspace.root / "experiments").iterdir()] == ["wet"]


def test_from_another_experiment(dr: Dr, workspace: Workspace) -> None:
    assert dr("new-experiment", "wet").exit_code == 0
    run_env = workspace.root / "experiments" / "wet" / "run.env"
    run_env.write_text("DR_RUN_ID=4\nDR_LOCAL_S3_MODEL_PREFIX=$DR_CAR_NAME-wet\n# end")
    found = json.loads(dr("new-experiment", "dry", "--from", "wet", "--json").stdout)
    assert (found["model_prefix"], found["custom_files_prefix"]) == ("-dry", "custom_files/dry")
    run_env.write_text("DR_CAR_NAME=Flash\nDR_LOCAL_S3_MODEL_PREFIX=$DR_CAR_NAME-wet\n# end")
    assert (
        json.loads(dr("-e", "wet", "new-experiment", "ice", "--json").stdout)["model_prefix"] == "Flash-ice"
    )
    text = tree(workspace, "ice")["run.env"].decode()
    assert text == (
        "DR_CAR_NAME=Flash\nDR_LOCAL_S3_MODEL_PREFIX=$DR_CAR_NAME-ice\n# end\n"
        "DR_LOCAL_S3_CUSTOM_FILES_PREFIX=custom_files/ice\n"
    )


def test_no_two_have_the_same_model(dr: Dr, workspace: Workspace) -> None:
    assert dr("new-experiment", "a").exit_code == 0
    taken = workspace.root / "experiments" / "a" / "run.env"
    taken.write_text("DR_LOCAL_S3_MODEL_PREFIX=rl-deepracer-sagemaker-b/\n")
    assert dr("new-experiment", "b").exit_code == 0
    assert settings_of(workspace, "b").local_s3_model_prefix == "rl-deepracer-sagemaker-b-1"
    taken.write_text("nonsense\n")  # of no concern to another one
    assert dr("new-experiment", "c").exit_code == 0


def test_literal_prefixes_follow_too(dr: Dr, workspace: Workspace) -> None:
    workspace.run_env.write_text(
        "DR_LOCAL_S3_REWARD_KEY=custom_files/reward_function.py\nDR_LOCAL_S3_METRICS_PREFIX=m/metrics\n"
        "DR_LOCAL_S3_MODEL_PREFIX=m\nDR_UPLOAD_S3_PREFIX=m-up\n"
        "DR_LOCAL_S3_HYPERPARAMETERS_KEY=custom_files/hyperparameters.json\n"
        "DR_LOCAL_S3_CUSTOM_FILES_PREFIX=custom_files\n"
    )
    assert dr("new-experiment", "wet").exit_code == 0
    wet = settings_of(workspace, "wet")
    assert wet.local_s3_reward_key == "custom_files/wet/reward_function.py"
    assert wet.local_s3_hyperparameters_key == "custom_files/wet/hyperparameters.json"
    assert (wet.local_s3_metrics_prefix, wet.upload_s3_prefix) == ("m-wet/metrics", "m-wet-1")
    assert wet.notices == ()


def test_one_that_is_there_is_never_overwritten(dr: Dr, workspace: Workspace) -> None:
    assert dr("new-experiment", "wet").exit_code == 0
    (workspace.root / "experiments" / "wet" / "run.env").write_text("DR_WORKERS=3\n")
    before = tree(workspace, "wet")
    answer = dr("new-experiment", "wet")
    assert answer.exit_code == 1
    assert "Experiment wet already exists" in answer.stderr
    (workspace.root / "experiments" / "empty").mkdir()
    assert dr("new-experiment", "empty").exit_code == 1
    assert tree(workspace, "wet") == before


@pytest.mark.parametrize("name", ["..", "a/b", "", "a b", ".hidden", "$x", "-x", "é"])
def test_names_that_cannot_be(dr: Dr, workspace: Workspace, name: str) -> None:
    answer = dr("new-experiment", "--", name)
    assert answer.exit_code == 2
    assert "is not a valid name for an experiment" in answer.stderr
    assert not (workspace.root / "experiments").exists()


def test_nothing_is_left_of_one_that_fails(dr: Dr, workspace: Workspace) -> None:
    answer = dr("new-experiment", "wet", "--from", "gone")
    assert answer.exit_code == 1 and "Experiment 'gone' was not found" in answer.stderr
    workspace.run_env.write_text("DR_RACE_TYPE=x\n")
    assert dr("new-experiment", "wet").exit_code == 2
    assert not (workspace.root / "experiments").exists()
