from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drcli.config.load import load_settings, load_workers, settings_of
from drcli.config.params_documents import Document, render_evaluation, render_training, render_upload, to_yaml
from drcli.config.run_params import TrainingParams
from drcli.launch.store_access import services_endpoint, store_config
from drcli.paths import Workspace
from tests.conftest import MakeWorkspace

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "params.json"
CASES: dict[str, Any] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}

_ONE_TABLE = "unset settings have the templates' default, not that of a script"
_PLAIN = "plain quoted text instead of a tagged boolean"
# (case, key) → (value of DeepRacer-for-Cloud, ours, why). Nothing else may differ.
DIFFERENCES: dict[tuple[str, str], tuple[object, object, str]] = {
    ("e17_seed004", "CAMERA_SUB_ENABLE"): ("True", "False", _ONE_TABLE),
    ("e17_seed004", "NUMBER_OF_RESETS"): ("0", "100", _ONE_TABLE),
    ("e17_seed004", "REVERSE_DIR"): (False, "False", _PLAIN),
    ("t20_seed004", "CAMERA_SUB_ENABLE"): ("True", "False", _ONE_TABLE),
    ("t20_seed004", "REVERSE_DIR"): (False, "False", _PLAIN),
}
# The upload document is a local file there; ours has the key it is uploaded to.
KEYS = {"u02_with_target_exported": {"training_params.yaml": "upload/m-1/training_params.yaml"}}


def render(case: Mapping[str, Any], make_workspace: MakeWorkspace) -> tuple[Document, ...]:
    run = "".join(f"{name}='{text}'\n" for name, text in case["env"].items())
    workers = {f"worker_{name[7:-4]}": text for name, text in case["worker_env_files"].items()}
    workspace: Workspace = make_workspace(run=run, **workers)
    settings = load_settings(workspace)
    endpoint = services_endpoint(settings, store_config(settings, workspace))
    if case["kind"] == "evaluation":
        return (render_evaluation(settings, endpoint, NOW),)
    if case["kind"] == "upload":
        return (render_upload(settings, settings.upload_s3_bucket, settings.upload_s3_prefix),)
    return render_training(settings, endpoint, load_workers(workspace, settings))


@pytest.mark.shared
@pytest.mark.skipif(not CASES, reason="../shared/golden/params.json is missing")
def test_there_are_sixteen_cases() -> None:
    assert len(CASES) == 16


@pytest.mark.shared
@pytest.mark.parametrize("name", CASES or [pytest.param("", marks=pytest.mark.skip("../shared is missing"))])
def test_equals_deepracer_for_cloud(name: str, make_workspace: MakeWorkspace) -> None:
    keys = KEYS.get(name, {})
    golden = {keys.get(key, key): values for key, values in CASES[name]["documents"].items()}
    ours = {
        document.key: yaml.safe_load(to_yaml(document.values))
        for document in render(CASES[name], make_workspace)
    }
    assert ours.keys() == golden.keys()
    found = {
        (name, key): (golden[document].get(key), ours[document].get(key))
        for document in golden
        for key in golden[document].keys() | ours[document].keys()
        if golden[document].get(key, "missing") != ours[document].get(key, "missing")
    }
    assert found == {place: pair[:2] for place, pair in DIFFERENCES.items() if place[0] == name}


def test_collision_penalty_of_the_evaluation_counts() -> None:
    assert (
        render_evaluation(settings_of({"DR_EVAL_COLLISION_PENALTY": "1.5"}), None, NOW).values[
            "COLLISION_PENALTY"
        ]
        == "1.5"
    )
    assert (
        render_evaluation(settings_of({"DR_COLLISION_PENALTY": "2.5"}), None, NOW).values["COLLISION_PENALTY"]
        == "2.5"
    )


def test_videos_of_the_opponent_lie_with_its_model() -> None:
    settings = settings_of(
        {"DR_RACE_TYPE": "HEAD_TO_MODEL", "DR_EVAL_OPP_S3_MODEL_PREFIX": "rival", "DR_EVAL_SAVE_MP4": "True"}
    )
    values = render_evaluation(settings, None, NOW).values
    assert values["MP4_S3_OBJECT_PREFIX"] == ["rl-deepracer-sagemaker/mp4", "rival/mp4"]
    assert values["MP4_S3_BUCKET"] == ["bucket", "bucket"]
    assert isinstance(values["METRICS_S3_OBJECT_KEY"], list)
    assert (
        values["METRICS_S3_OBJECT_KEY"][1] == f"rival/metrics/EvaluationMetrics-{round(NOW.timestamp())}.json"
    )


def test_a_clone_keeps_its_results_to_itself() -> None:
    document = render_evaluation(settings_of({"DR_LOCAL_S3_MODEL_PREFIX": "m"}), None, NOW, clone=True)
    assert document.key == "m-E/evaluation_params.yaml"
    assert document.values["MODEL_S3_PREFIX"] == ["m-E"]
    assert document.values["SIMTRACE_S3_PREFIX"] == ["m-E/evaluation-20260102030405"]
    assert document.values["METRICS_S3_OBJECT_KEY"] == [
        "m-E/metrics/evaluation/evaluation-20260102030405.json"
    ]
    elsewhere = settings_of({"DR_LOCAL_S3_MODEL_PREFIX": "m", "DR_LOCAL_S3_METRICS_PREFIX": "mm/x"})
    assert render_evaluation(elsewhere, None, NOW, clone=True).values["METRICS_S3_OBJECT_KEY"] == [
        "mm/x/evaluation/evaluation-20260102030405.json"
    ]


def test_without_endpoint_there_is_no_key_for_it() -> None:
    (document,) = render_training(settings_of({}), None)
    assert "S3_ENDPOINT_URL" not in document.values
    (document,) = render_training(settings_of({}), "http://127.0.0.1:9123")
    assert document.values["S3_ENDPOINT_URL"] == "http://127.0.0.1:9123"


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("a//b/", "a/b/training_params.yaml"),
        ("/m/", "m/training_params.yaml"),
        ("./m", "m/training_params.yaml"),
    ],
)
def test_keys_are_normal_and_values_stay_as_written(prefix: str, key: str) -> None:
    (document,) = render_training(settings_of({"DR_LOCAL_S3_MODEL_PREFIX": prefix}), None)
    assert document.key == key
    assert document.values["SAGEMAKER_SHARED_S3_PREFIX"] == prefix


def test_names_of_a_multi_config_run_end_at_the_first_dot() -> None:
    settings = settings_of({"DR_LOCAL_S3_TRAINING_PARAMS_FILE": "my.params.yml"})
    assert [document.key for document in render_training(settings, None, [settings])] == [
        "rl-deepracer-sagemaker/my_1.yaml",
        "rl-deepracer-sagemaker/my_2.yaml",
    ]


def test_places_of_obstacles_are_stripped_and_counted() -> None:
    settings = settings_of({"DR_RACE_TYPE": "OBJECT_AVOIDANCE", "DR_OA_OBJECT_POSITIONS": "0.2,-1; 0.5,1;"})
    values = render_training(settings, None)[0].values
    assert values["OBJECT_POSITIONS"] == ["0.2,-1", "0.5,1"]
    assert values["NUMBER_OF_OBSTACLES"] == "2"


def test_upload_of_another_shell_has_no_colour() -> None:
    settings = settings_of({"DR_CAR_BODY_SHELL_TYPE": "f1_2021", "DR_RACE_TYPE": "HEAD_TO_BOT"})
    values = render_upload(settings, "target", "p").values
    assert "CAR_COLOR" not in values
    assert "PENALTY_SECONDS" not in values
    assert values["NUMBER_OF_BOT_CARS"] == "3"


@pytest.mark.parametrize(
    ("world", "name", "clockwise"),
    [
        ("2024_reinvent_champ_cw", "2024_reinvent_champ", True),
        ("reInvent2019_track_ccw", "reInvent2019_track", False),
        ("Albert", "Albert", None),
        ("Albert, reInvent2019_track_cw", "Albert, reInvent2019_track_cw", None),
    ],
)
def test_upload_names_the_direction_as_consoles_do(world: str, name: str, clockwise: bool | None) -> None:
    text = to_yaml(render_upload(settings_of({"DR_WORLD_NAME": world}), "target", "p").values)
    values = yaml.safe_load(text)
    assert (values["WORLD_NAME"], values.get("TRACK_DIRECTION_CLOCKWISE")) == (name, clockwise)
    if clockwise is not None:
        assert f"\n'TRACK_DIRECTION_CLOCKWISE': {str(clockwise).lower()}\n" in text
        assert TrainingParams.parse(text).world_name == world
        reversed_ = settings_of({"DR_WORLD_NAME": world, "DR_TRAIN_REVERSE_DIRECTION": "True"})
        assert render_upload(reversed_, "target", "p").values["TRACK_DIRECTION_CLOCKWISE"] != clockwise


def test_upload_counts_obstacles_in_numbers() -> None:
    race = {"DR_RACE_TYPE": "OBJECT_AVOIDANCE", "DR_OA_OBJECT_POSITIONS": "0.2,-1;0.5,1"}
    values = yaml.safe_load(to_yaml(render_upload(settings_of(race), "target", "p").values))
    assert values["NUMBER_OF_OBSTACLES"] == 2 and values["RANDOMIZE_OBSTACLE_LOCATIONS"] is False


def test_yaml_looks_like_deepracer_for_clouds() -> None:
    same = ["x"]
    text = to_yaml({"B": same, "A": "it's", "C": same, "D": [], "E": "", "F": "1", "G": "True"})
    assert text == ("---\n'A': 'it''s'\n'B':\n- 'x'\n'C':\n- 'x'\n'D': []\n'E': ''\n'F': '1'\n'G': 'True'\n")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text() | st.lists(st.text())))
def test_yaml_is_read_back_as_it_was(values: dict[str, str | list[str]]) -> None:
    text = to_yaml(values)
    assert text.isascii()
    assert "!!" not in "".join(line for line in text.splitlines() if line.startswith("!"))
    assert yaml.safe_load(text) == values
