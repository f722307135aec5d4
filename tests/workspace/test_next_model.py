from __future__ import annotations

from collections.abc import Callable

import pytest

from drcli.config.load import load_settings
from drcli.errors import DrError, UsageError
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.paths import Workspace
from drcli.workspace import next_model
from drcli.workspace.next_model import Increment

Started = Callable[..., ProcessFolder]
MODEL, UPLOAD = next_model.MODEL, next_model.UPLOAD


def env(workspace: Workspace, run: str, system: str = "") -> None:
    workspace.system_env.write_text(system)
    workspace.run_env.write_bytes(run.encode())


def plan(workspace: Workspace, **words: str) -> Increment:
    return next_model.plan_training(load_settings(workspace), workspace, **words)


def written(workspace: Workspace, **words: str) -> str:
    plan(workspace, **words).edit.write()
    return workspace.run_env.read_bytes().decode()


RUN = """# my run\r
DR_CAR_NAME=Flash\r
DR_LOCAL_S3_MODEL_PREFIX="$DR_CAR_NAME-09"   # the model\r
#DR_LOCAL_S3_MODEL_PREFIX=commented-1\r
DR_LOCAL_S3_PRETRAINED=False\r
DR_LOCAL_S3_PRETRAINED_PREFIX='old'\r
DR_UPLOAD_S3_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX-1"""


def test_three_lines_change_and_nothing_else(workspace: Workspace) -> None:
    env(workspace, RUN)
    after = written(workspace)
    assert after == RUN.replace("-09", "-10", 1).replace("=False", "=True").replace(
        "'old'", '"$DR_CAR_NAME-09"'
    )
    settings = load_settings(workspace)
    assert settings.local_s3_model_prefix == "Flash-10"
    assert (settings.local_s3_pretrained, settings.local_s3_pretrained_prefix) == (True, "Flash-09")
    assert settings.upload_s3_prefix == "Flash-10-1"


def test_what_would_no_longer_stand_for_the_old_model_is_written_out(workspace: Workspace) -> None:
    """The pretrained prefix stands above what it would refer to, or below another value of it."""
    env(workspace, "DR_LOCAL_S3_PRETRAINED_PREFIX=x\nME=ann\nDR_LOCAL_S3_MODEL_PREFIX=$ME-1\nME=bob\n")
    assert written(workspace).splitlines()[:3] == [
        "DR_LOCAL_S3_PRETRAINED_PREFIX=ann-1",
        "ME=ann",
        "DR_LOCAL_S3_MODEL_PREFIX=$ME-2",
    ]
    env(workspace, "ME=ann\nDR_LOCAL_S3_MODEL_PREFIX=$ME-1\nME=bob\nDR_LOCAL_S3_PRETRAINED_PREFIX=x\n")
    assert written(workspace).splitlines()[3] == "DR_LOCAL_S3_PRETRAINED_PREFIX=ann-1"


def test_what_run_env_does_not_set_is_added(workspace: Workspace) -> None:
    env(workspace, "DR_LOCAL_S3_METRICS_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX/figures")
    written(workspace)
    settings = load_settings(workspace)
    assert settings.local_s3_model_prefix == "rl-deepracer-sagemaker-1"
    assert settings.local_s3_pretrained_prefix == "rl-deepracer-sagemaker"
    assert settings.local_s3_metrics_prefix == "rl-deepracer-sagemaker-1/figures"


def test_a_prefix_of_system_env_is_set_in_run_env(workspace: Workspace) -> None:
    env(workspace, "", "DR_LOCAL_S3_MODEL_PREFIX=$DR_CAR-4\n")
    workspace.system_env.write_text("DR_CAR=a\nDR_LOCAL_S3_MODEL_PREFIX=$DR_CAR-4\n")
    assert "DR_LOCAL_S3_MODEL_PREFIX=a-5\n" in written(workspace)
    assert load_settings(workspace).local_s3_pretrained_prefix == "a-4"


def test_an_experiment_has_its_own(workspace: Workspace) -> None:
    env(workspace, "DR_LOCAL_S3_MODEL_PREFIX=root-1\n")
    wet = Workspace(workspace.root, "wet")
    wet.folder.mkdir(parents=True)
    wet.run_env.write_text("DR_LOCAL_S3_MODEL_PREFIX=$DR_EXPERIMENT_NAME-1\n")
    assert "DR_LOCAL_S3_MODEL_PREFIX=$DR_EXPERIMENT_NAME-2\n" in written(wet)
    assert workspace.run_env.read_text() == "DR_LOCAL_S3_MODEL_PREFIX=root-1\n"


@pytest.mark.parametrize("name", ["team/$DR_CAR_NAME/7", "a b", "x"])
def test_another_name(workspace: Workspace, name: str) -> None:
    env(workspace, "DR_CAR_NAME=Flash\nDR_LOCAL_S3_MODEL_PREFIX=m/1\n")
    assert plan(workspace, prefix=name).new == name.replace("$DR_CAR_NAME", "Flash")


@pytest.mark.parametrize("name", ["../x", "a\\b", "/", "a\nb", "m/1", "m/1/"])
def test_a_name_that_cannot_be(workspace: Workspace, name: str) -> None:
    env(workspace, "DR_LOCAL_S3_MODEL_PREFIX=m/1\n")
    with pytest.raises(UsageError):
        plan(workspace, prefix=name)


def test_what_stays_with_the_old_model_is_said(workspace: Workspace) -> None:
    env(
        workspace,
        "DR_LOCAL_S3_MODEL_PREFIX=m-1\nDR_LOCAL_S3_METRICS_PREFIX=m-1/metrics\nDR_UPLOAD_S3_PREFIX=up-1\n",
    )
    metrics, upload = plan(workspace).notices
    assert metrics.startswith("DR_LOCAL_S3_METRICS_PREFIX is still m-1/metrics")
    assert upload.startswith("DR_UPLOAD_S3_PREFIX is still up-1")


@pytest.mark.parametrize("training", ["m-1", "m-2"])
def test_a_model_that_is_being_trained_is_left_alone(
    workspace: Workspace, started: Started, training: str
) -> None:
    env(workspace, "DR_LOCAL_S3_MODEL_PREFIX=m-1\n")
    started(sagemaker="steady", robomaker="steady", prefix=training, run_id=3)
    with pytest.raises(DrError, match=f"Run 3 is training the model {training}") as caught:
        plan(workspace)
    assert "DR_RUN_ID=3" in caught.value.hint
    if training == "m-2":
        assert plan(workspace, prefix="other").new == "other"


def test_the_upload_counts_up_alone(workspace: Workspace) -> None:
    env(workspace, RUN)
    planned = next_model.plan_upload(load_settings(workspace), workspace)
    planned.edit.write()
    assert workspace.run_env.read_bytes().decode() == RUN.replace("PREFIX-1", "PREFIX-2")
    assert (planned.old, planned.new) == ("Flash-09-1", "Flash-09-2")
    env(workspace, "")
    planned = next_model.plan_upload(load_settings(workspace), workspace)
    assert planned.edit.after == b"DR_UPLOAD_S3_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX-2\n"


@pytest.mark.parametrize("name", ["models", "custom_files"])
def test_what_is_needed_is_never_wiped(workspace: Workspace, name: str) -> None:
    env(workspace, "DR_LOCAL_S3_MODEL_PREFIX=models/first\n")
    planned = plan(workspace, prefix=name)
    with pytest.raises(DrError, match=f"Wiping {name}/ would delete"):
        next_model.model_leftovers(planned, workspace)
