from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drcli.config.load import find_workspace, load_settings, load_worker_settings, load_workers, settings_of
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from tests.conftest import MakeWorkspace

# --- find_workspace


def test_found_from_a_folder_within(make_workspace: MakeWorkspace) -> None:
    root = make_workspace().root
    below = root / "custom_files" / "deep"
    below.mkdir(parents=True)
    assert find_workspace(below) == Workspace(root)


def test_found_by_dr_dir_when_outside(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace().root
    monkeypatch.setenv("DR_DIR", str(root))
    assert find_workspace(tmp_path).root == root


def test_the_folder_around_beats_dr_dir(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "system.env").touch()
    monkeypatch.setenv("DR_DIR", str(tmp_path / "other"))
    root = make_workspace().root
    assert find_workspace(root).root == root


def test_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DrError, match=r"system\.env") as caught:
        find_workspace()
    assert "dr init" in caught.value.hint


def test_dr_dir_that_is_no_workspace_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_DIR", str(tmp_path / "gone"))
    with pytest.raises(DrError, match="gone"):
        find_workspace(tmp_path)


def test_run_env_without_system_env(tmp_path: Path) -> None:
    (tmp_path / "run.env").touch()
    with pytest.raises(DrError, match=r"system\.env is missing"):
        find_workspace(tmp_path)


def test_inside_an_experiment_the_workspace_is_above(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(experiment="wet")
    assert find_workspace(workspace.folder) == Workspace(workspace.root)


def test_experiment_from_argument_environment_and_file(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(experiment="one", system="DR_N=two\nDR_EXPERIMENT_NAME=$DR_N # mine\n").root
    for name in ("two", "three"):
        (root / "experiments" / name).mkdir()
    assert find_workspace(root).experiment == "two"
    monkeypatch.setenv("DR_EXPERIMENT_NAME", "three")
    assert find_workspace(root).experiment == "three"
    assert find_workspace(root, "one").experiment == "one"


@pytest.mark.parametrize("name", ["gone", "..", "one/../..", "/", "."])
def test_unknown_experiment_lists_those_there_are(make_workspace: MakeWorkspace, name: str) -> None:
    root = make_workspace(experiment="one").root
    with pytest.raises(DrError) as caught:
        find_workspace(root, name)
    assert caught.value.hint == "available: one"


# --- load_settings


def test_order_of_files_and_overrides(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        system="DR_WORKERS=2\nDR_CAR_NAME=first\n", run="DR_CAR_NAME=second\nDR_WORKERS=3\n"
    )
    settings = load_settings(workspace, ["DR_WORKERS=4"])
    assert (settings.workers, settings.source("DR_WORKERS")) == (4, "--set")
    assert (settings.car_name, settings.source("DR_CAR_NAME")) == ("second", "run.env:1")
    assert (settings.world_name, settings.source("DR_WORLD_NAME")) == ("drcli_harbour", "default")


def test_run_env_uses_names_of_system_env_and_of_the_users(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        system="DR_MODEL_PREFIX=model\n",
        run="MY_TRY=7\nDR_LOCAL_S3_MODEL_PREFIX=$DR_MODEL_PREFIX-$MY_TRY\nDR_UPLOAD_S3_PREFIX=$DR_CAR_NAME\n"
        "DR_CAR_NAME=late\n",
    )
    settings = load_settings(workspace)
    assert settings.local_s3_model_prefix == "model-7"
    assert settings.local_s3_metrics_prefix == "model-7/metrics"  # a default follows
    assert settings.values["MY_TRY"].text == "7"
    # DR_CAR_NAME is set below: empty there, so the default holds, and that is said
    assert settings.upload_s3_prefix == "model-7-1"
    assert any("DR_UPLOAD_S3_PREFIX uses $DR_CAR_NAME" in notice for notice in settings.notices)
    assert not any("DR_MODEL_PREFIX" in notice for notice in settings.notices)  # it is used


def test_outer_environment_is_the_last_resort(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPRACER_REGION", "eu-central-1")
    monkeypatch.setenv("DR_WORLD_NAME", "ignored")
    settings = load_settings(make_workspace(run="DR_AWS_APP_REGION=$DEEPRACER_REGION\n"))
    assert settings.aws_app_region == "eu-central-1"
    assert settings.world_name == "drcli_harbour"


def test_an_override_reaches_the_lines_that_use_it(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        run="DR_BASE=abc\nDR_LOCAL_S3_MODEL_PREFIX=$DR_BASE\n"
        "DR_LOCAL_S3_METRICS_PREFIX=$DR_LOCAL_S3_MODEL_PREFIX/figures\n"
    )
    settings = load_settings(workspace, ["DR_LOCAL_S3_MODEL_PREFIX=new"])
    assert settings.local_s3_metrics_prefix == "new/figures"
    assert settings.notices == ()


def test_an_override_may_use_and_make_names(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(run="DR_CAR_NAME=$WHO\n")
    settings = load_settings(workspace, ["WHO=ann", "DR_LOCAL_S3_MODEL_PREFIX=$DR_CAR_NAME-2"])
    assert (settings.car_name, settings.local_s3_model_prefix) == ("ann", "ann-2")


def test_dr_dir_is_the_workspace(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(system="DR_ROBOMAKER_MOUNT_SCRIPTS_DIR=${DR_DIR}/data/scripts\n")
    assert load_settings(workspace).robomaker_mount_scripts_dir == f"{workspace.root}/data/scripts"


def test_experiment_name_is_the_one_in_use(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        system="DR_EXPERIMENT_NAME=other\n", run="DR_CAR_NAME=$DR_EXPERIMENT_NAME", experiment="wet"
    )
    settings = load_settings(workspace)
    assert (settings.experiment_name, settings.car_name) == ("wet", "wet")
    assert settings.source("DR_CAR_NAME") == "experiments/wet/run.env:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            ("True", "True"),
            ("true", "true"),
            ("TRUE", "TRUE"),
            ("yes", "True"),
            ("1", "True"),
            ("on", "True"),
        ),
        *(("False", "False"), ("false", "false"), ("no", "False"), ("0", "False"), ("", "False")),
    ],
)
def test_booleans(text: str, value: str) -> None:
    settings = settings_of({"DR_EVAL_SAVE_MP4": text})
    assert settings.eval_save_mp4 is (value.lower() == "true")
    assert settings.text("DR_EVAL_SAVE_MP4") == value


def test_text_stays_as_written() -> None:
    settings = settings_of({"DR_TRAIN_START_POSITION_OFFSET": "0.50", "DR_TRAIN_REVERSE_DIRECTION": "true"})
    assert settings.text("DR_TRAIN_START_POSITION_OFFSET") == "0.50"
    assert settings.text("DR_TRAIN_REVERSE_DIRECTION") == "true"
    assert settings.text("DR_EVAL_OFF_TRACK_PENALTY") == "5.0"
    assert settings.text("DR_SEED") == ""


def test_choices_are_spelled_as_documents_need_them() -> None:
    settings = settings_of({"DR_RACE_TYPE": "time_trial", "DR_CLOUD": "LOCAL", "DR_EVAL_CHECKPOINT": "Best"})
    assert (settings.text("DR_RACE_TYPE"), settings.cloud, settings.eval_checkpoint) == (
        "TIME_TRIAL",
        "local",
        "best",
    )


def test_empty_means_none_or_the_default() -> None:
    settings = settings_of(
        {"DR_TRAIN_STOP_PROGRESS": "", "DR_WORKERS": "", "DR_WORLD_NAME": "", "DR_OA_OBJECT_POSITIONS": ""}
    )
    assert settings.train_stop_progress is None
    assert settings.train_max_minutes is None
    assert (settings.workers, settings.world_name) == (1, "drcli_harbour")
    assert settings.source("DR_OA_OBJECT_POSITIONS") == "--set"
    assert settings_of({}).train_stop_progress == 100


@pytest.mark.parametrize(
    "pair",
    [
        "DR_WORKERS=0",
        "DR_WORKERS=two",
        "DR_WORKERS=1.5",
        "DR_RUN_ID=-1",
        "DR_CARS_PER_WORKER=257",
        "DR_STORE_PORT=70000",
        "DR_TRAIN_STOP_PROGRESS=101",
        "DR_TRAIN_MAX_MINUTES=0",
        "DR_TRAIN_MAX_MINUTES=nan",
        "DR_TRAIN_MAX_MINUTES=inf",
        "DR_TRAIN_EVAL_INTERVAL=0",
        "DR_TRAIN_BEST_MODEL_METRIC=speed",
        "DR_EVAL_SAVE_MP4=maybe",
        "DR_CLOUD=moon",
        "DR_MINIO_URL=minio:9000",
        "DR_LOCAL_S3_BUCKET=My_Bucket",
        "DR_LOCAL_S3_MODEL_PREFIX=../other",
        "DR_LOCAL_S3_MODEL_PREFIX=a/../../b",
        "DR_LOCAL_S3_MODEL_PREFIX=/",
        "DR_WORLD_NAME=../../etc/passwd",
        "DR_WORLD_NAME=drcli_oval,../../etc/passwd",
        "DR_WORLD_NAME=drcli_oval,",
        "DR_WORLD_NAME=drcli_oval,,Oval_track",
        "DR_WORLD_NAME=drcli_oval, drcli_oval",
        "DR_LOCAL_S3_TRAINING_PARAMS_FILE=a/b.yaml",
        "DR_OA_OBJECT_POSITIONS=0.2;0.5",
        "DR_OA_OBJECT_POSITIONS=1.2,1",
        "DR_H2B_LOWER_LANE_CHANGE_TIME=9",
    ],
)
def test_wrong_values(make_workspace: MakeWorkspace, pair: str) -> None:
    name = pair.partition("=")[0]
    with pytest.raises(UsageError) as caught:
        load_settings(make_workspace(run=f"# head\n{pair}\n"))
    assert caught.value.message.startswith("run.env:2: ")
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ("drcli_harbour",)),
        ("Oval_track", ("Oval_track",)),
        ("drcli_oval,Oval_track", ("drcli_oval", "Oval_track")),
        ("drcli_oval , Oval_track,reinvent_base", ("drcli_oval", "Oval_track", "reinvent_base")),
    ],
)
def test_one_track_or_several(make_workspace: MakeWorkspace, text: str, names: tuple[str, ...]) -> None:
    assert load_settings(make_workspace(run=f"DR_WORLD_NAME={text}\n")).world_names == names


def test_all_faults_are_reported_together(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        system="DR_WORKERS=many\nnonsense\n", run="DR_RACE_TYPE=TIME_TRAIL\nDR_CAR_NAME=x\nDR_EVAL_RTF=-1\n"
    )
    with pytest.raises(UsageError) as caught:
        load_settings(workspace, ["DR_SEED=x", "oops"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "6 problems:"
    for where in (
        "system.env:1: DR_WORKERS",
        "system.env:2: ",
        "run.env:1: DR_RACE_TYPE",
        "run.env:3: DR_EVAL_RTF",
    ):
        assert any(line.strip().startswith(where) for line in lines), where
    assert sum(line.strip().startswith("--set: ") for line in lines) == 2
    assert any("did you mean TIME_TRIAL?" in line for line in lines)
    assert not any("DR_CAR_NAME" in line for line in lines)


def test_a_wrong_secret_is_not_shown(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(make_workspace(), ["DR_LOCAL_SECRET_ACCESS_KEY=hunter2\nx"])
    assert "hunter2" not in str(caught.value)


def test_remote_needs_its_address() -> None:
    with pytest.raises(UsageError, match="DR_REMOTE_MINIO_URL"):
        settings_of({"DR_CLOUD": "remote"})


def test_the_experiment_cannot_be_set(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(UsageError, match="dr -e") as caught:
        load_settings(make_workspace(), ["DR_EXPERIMENT_NAME=x"])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("missing", ["system.env", "run.env"])
def test_missing_file(make_workspace: MakeWorkspace, missing: str) -> None:
    workspace = make_workspace()
    (workspace.root / missing).unlink()
    with pytest.raises(DrError, match=rf"{missing} is missing"):
        load_settings(workspace)


def test_env_file_that_is_a_folder(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    workspace.run_env.unlink()
    workspace.run_env.mkdir()
    with pytest.raises(DrError, match="Cannot read"):
        load_settings(workspace)


# --- names


def test_unknown_names_get_a_warning_with_near_ones() -> None:
    settings = settings_of({"DR_WORLD_NAM": "x", "MY_OWN": "y"}, source="run.env:1")
    assert settings.notices == ("run.env:1: DR_WORLD_NAM is not a setting; did you mean DR_WORLD_NAME?",)
    assert settings.world_name == "drcli_harbour"


def test_an_override_that_nothing_uses_gets_a_warning(make_workspace: MakeWorkspace) -> None:
    settings = load_settings(make_workspace(run="other=1\n"), ["WORLD_NAME=x"])
    assert settings.notices == ("--set: WORLD_NAME is not a setting; did you mean DR_WORLD_NAME?",)


def test_old_names_count_until_the_new_one_is_set() -> None:
    old = settings_of({"DR_COLLISION_PENALTY": "2.5", "DR_CHANGE_START_POSITION": "False"})
    assert (old.eval_collision_penalty, old.train_change_start_position) == (2.5, False)
    assert "--set: DR_COLLISION_PENALTY is now called DR_EVAL_COLLISION_PENALTY" in old.notices
    both = settings_of({"DR_COLLISION_PENALTY": "2.5", "DR_EVAL_COLLISION_PENALTY": "3"})
    assert both.eval_collision_penalty == 3
    assert both.notices == (
        "--set: DR_COLLISION_PENALTY has no effect: DR_EVAL_COLLISION_PENALTY is set too",
    )


def test_names_without_effect_are_explained() -> None:
    settings = settings_of({"DR_COACH_IMAGE": "5", "DR_TRACK_DIRECTION_CLOCKWISE": "True"})
    assert len(settings.notices) == 2
    assert "_cw or _ccw" in settings.notices[1]


# --- workers


def test_workers_have_run_env_and_their_own_file_and_nothing_of_each_other(
    make_workspace: MakeWorkspace,
) -> None:
    workspace = make_workspace(
        run="DR_WORKERS=3\nDR_TRAIN_MULTI_CONFIG=True\nDR_WORLD_NAME=base\nDR_CAR_COLOR=Red\nMINE=Oval_track\n",
        worker_2='\nDR_CAR_COLOR=Blue # c\nDR_OA_OBJECT_POSITIONS="0.2,-1;0.5,1"\n'
        "DR_RACE_TYPE=OBJECT_AVOIDANCE\n",
        worker_3="DR_WORLD_NAME=$MINE\n",
    )
    settings = load_settings(workspace)
    two, three = load_workers(workspace, settings)
    assert (two.car_color, two.world_name, two.race_type) == ("Blue", "base", "OBJECT_AVOIDANCE")
    assert (two.oa_object_positions, two.source("DR_CAR_COLOR")) == ("0.2,-1;0.5,1", "worker-2.env:2")
    assert (three.car_color, three.world_name, three.race_type) == ("Red", "Oval_track", "TIME_TRIAL")
    assert three.oa_object_positions == ""
    assert settings.car_color == "Red"


def test_a_worker_cannot_move_the_model(make_workspace: MakeWorkspace) -> None:
    copied = "DR_WORKERS=2\nDR_DISPLAY_NAME=$DR_CAR_NAME\n"
    workspace = make_workspace(run=copied, worker_2=f"{copied}DR_LOCAL_S3_MODEL_PREFIX=elsewhere\n")
    worker = load_worker_settings(workspace, load_settings(workspace), 2)
    assert worker.local_s3_model_prefix == "rl-deepracer-sagemaker"
    assert worker.notices == (
        "worker-2.env:3: DR_LOCAL_S3_MODEL_PREFIX is the same for all workers; ignored",
    )


def test_an_old_name_in_a_worker_file_counts(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(
        run="DR_TRAIN_CHANGE_START_POSITION=True\n", worker_2="DR_CHANGE_START_POSITION=False\n"
    )
    assert load_worker_settings(workspace, load_settings(workspace), 2).train_change_start_position is False


def test_missing_and_broken_worker_files(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(run="DR_WORKERS=2\nDR_TRAIN_MULTI_CONFIG=yes\n")
    with pytest.raises(DrError, match=r"worker-2\.env is missing"):
        load_workers(workspace, load_settings(workspace))
    workspace.worker_env(2).write_text("DR_RACE_TYPE=x\n")
    with pytest.raises(UsageError, match=r"worker-2\.env:1: DR_RACE_TYPE"):
        load_workers(workspace, load_settings(workspace))


def test_without_multi_config_worker_files_do_not_matter(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(run="DR_WORKERS=4\n", worker_2="nonsense")
    assert load_workers(workspace, load_settings(workspace)) == ()


def test_loading_settings_stays_light() -> None:
    code = "import sys, drcli.config.load, drcli.config.params_documents; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "torch", "numba", "boto3", "yaml", "matplotlib"} & set(loaded)
