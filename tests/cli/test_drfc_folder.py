"""`dr` in a folder of DeepRacer-for-Cloud: everything loads, and what it says makes sense there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from drfc_folder import OLD, RUN, SYSTEM, make_folder, write_profile

from drcli.cli import main
from drcli.config.load import find_workspace, load_settings
from drcli.launch.store_access import store_config

Dr = Callable[..., Result]


@pytest.fixture
def dr(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """`dr` in such a folder; its store has a port of its own, so that no other test's is met."""
    monkeypatch.chdir(make_folder(tmp_path / "deepracer-for-cloud", system={"DR_STORE_PORT": str(free_port)}))
    write_profile(Path.home(), "minio", "minio-key", "minio-secret")
    return lambda *words: CliRunner().invoke(main, words, catch_exceptions=False)


def test_all_settings_are_known_and_keep_their_values(dr: Dr) -> None:
    seen = json.loads(dr("config", "--json").stdout)
    values = {row["name"]: (row["value"], row["source"].partition(":")[0]) for row in seen["settings"]}
    for name, text in (SYSTEM | RUN).items():
        if text and "$" not in text:
            assert values[name] == (text, "system.env" if name in SYSTEM else "run.env")
    assert values["DR_LOCAL_S3_METRICS_PREFIX"][0] == "rl-deepracer-sagemaker/metrics"
    assert seen["notices"] == []


def test_old_names_get_one_line_each(dr: Dr) -> None:
    with open("run.env", "a") as file:
        file.writelines(f"{key}={value}\n" for key, value in OLD.items())
    assert json.loads(dr("config", "--json").stdout)["notices"] == [
        f"run.env:{len(RUN) + 2}: DR_CHANGE_START_POSITION has no effect: DR_TRAIN_CHANGE_START_POSITION is set too",
        f"run.env:{len(RUN) + 3}: DR_KINESIS_STREAM_ENABLE has no effect: DR_CAMERA_KVS_ENABLE is set too",
        f"run.env:{len(RUN) + 4}: DR_COACH_IMAGE has no effect: all services use one image, "
        "see DR_SIMAPP_SOURCE and DR_SIMAPP_VERSION",
    ]


def test_documents(dr: Dr) -> None:
    training = yaml.safe_load(dr("render", "training").stdout)
    assert (training["WORLD_NAME"], training["S3_ENDPOINT_URL"]) == ("reinvent_base", "http://minio:9000")
    evaluation = yaml.safe_load(dr("render", "evaluation").stdout)
    assert (evaluation["NUMBER_OF_TRIALS"], evaluation["RACER_NAME"]) == ("3", ["FastCar"])
    workers = dr("render", "training", "--set", "DR_TRAIN_MULTI_CONFIG=True", "--set", "DR_WORKERS=2").stdout
    assert [doc["WORLD_NAME"] for doc in yaml.safe_load_all(workers)] == [
        "reinvent_base",
        "reInvent2019_track",
    ]


@pytest.mark.docker
def test_a_dry_run_shows_the_communitys_stack(dr: Dr) -> None:
    answer = dr("start-training", "--dry-run", "--json")
    assert answer.exit_code == 0, answer.stderr
    stacks = {stack["project"]: stack for stack in json.loads(answer.stdout)["stacks"]}
    assert {"s3", "deepracer-0"} <= set(stacks)
    services = stacks["deepracer-0"]["services"]
    assert services["robomaker"]["image"] == "awsdeepracercommunity/deepracer-simapp:6.0.4-cpu"
    assert services["rl_coach"]["environment"]["MODEL_S3_PREFIX"] == "rl-deepracer-sagemaker"
    assert "minio-secret" not in answer.output


def test_the_key_is_that_of_the_profile_minio(dr: Dr, free_port: int) -> None:
    workspace = find_workspace()
    config = store_config(load_settings(workspace), workspace)
    assert (config.profile, config.access_key, config.endpoint_url) == (
        "minio",
        None,
        f"http://127.0.0.1:{free_port}",
    )


def test_status_and_doctor(dr: Dr) -> None:
    status = json.loads(dr("status", "--json").stdout)
    assert (status["state"], status["model"]) == ("never started", "rl-deepracer-sagemaker")
    findings = json.loads(dr("doctor", "--json").stdout)["findings"]
    said = {(found["area"], found["level"]) for found in findings}
    assert ("settings", "ok") in said and ("files", "ok") in said and ("settings", "error") not in said


def test_the_embedded_store_does_not_take_minios_data_for_an_empty_bucket(dr: Dr) -> None:
    own = ("--set", "DR_DOCKER_STYLE=process", "--set", "DR_SIMAPP_SOURCE=drcli/simapp")
    answer = dr("store", "start", *own)
    assert answer.exit_code == 1
    assert "MinIO's own format" in answer.stderr and "DR_DOCKER_STYLE=compose" in answer.stderr
    findings = json.loads(dr("doctor", "--json", *own).stdout)["findings"]
    assert any(f["area"] == "bucket" and f["level"] == "error" and "MinIO" in f["message"] for f in findings)


def test_an_experiment(dr: Dr) -> None:
    Path("experiments/wet/run.env").write_text("DR_WORLD_NAME=arctic_open\n")
    assert yaml.safe_load(dr("-e", "wet", "render", "training").stdout)["WORLD_NAME"] == "arctic_open"
