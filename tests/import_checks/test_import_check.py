from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_samples import METADATA, PARTS, REWARD, SENSOR

from drcli.import_checks.documents import parse_json
from drcli.import_checks.findings import refused
from drcli.import_checks.folder_rules import check_request
from drcli.import_checks.import_check import check_import
from drcli.tensorflow.tensor_bundle import write_bundle

CHECKPOINT = "3_Step-300.ckpt"
PARAMS: dict[str, Any] = {"WORLD_NAME": "reInvent2019_track", "RACE_TYPE": "TIME_TRIAL"}
OBSTACLES = PARAMS | {"RACE_TYPE": "OBJECT_AVOIDANCE", "NUMBER_OF_OBSTACLES": 2}
BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 3}}
CONTINUOUS = METADATA | {"action_space": BOUNDS, "action_space_type": "continuous"}
INDEX = {key: {"name": CHECKPOINT} for key in ("best_checkpoint", "last_checkpoint")}
ROW = {"episode": 1, "phase": "training", "reward_score": 9, "completion_percentage": 87}
NAMES = {
    "params": "training_params.yaml",
    "metadata": "model_metadata.json",
    "validated": "model/model_metadata.json",
    "reward": "reward_function.py",
    "hyperparameters": "ip/hyperparameters.json",
    "index": "model/deepracer_checkpoints.json",
    "coach": "model/.coach_checkpoint",
    "graph": "metrics/training/training-metrics.json",
    "graph_b": "metrics/training/training-zzz.json",
}


def model(**changes: object) -> dict[str, bytes]:
    """A model folder that the import takes; `changes` by a word for the file, None leaves it out."""
    documents: dict[str, object] = {
        "params": PARAMS,
        "metadata": METADATA,
        "validated": changes.get("metadata", METADATA),
        "reward": REWARD,
        "hyperparameters": {"num_episodes_between_training": 20},
        "index": INDEX,
        "coach": CHECKPOINT.encode(),
        "graph": {"metrics": [ROW]},
    }
    files = {
        NAMES[word]: item if isinstance(item, bytes) else json.dumps(item).encode()
        for word, item in (documents | changes).items()
        if item is not None
    }
    return files | checkpoint(documents | changes)


def checkpoint(documents: dict[str, object]) -> dict[str, bytes]:
    """A checkpoint of a network as the metadata say, if they can be understood."""
    metadata = documents["validated"] if isinstance(documents["validated"], dict) else METADATA
    sensor = "observation" if "sensor" not in metadata else SENSOR
    agent = "policy" if metadata.get("training_algorithm") == "sac" else "main"
    head = "policy_mean" if isinstance(metadata.get("action_space"), dict) else "policy_fc"
    scope = f"main_level/agent/{agent}/online/network_1"
    bundle = write_bundle(
        {
            f"{scope}/{sensor}/Conv2d_0/kernel": np.zeros((8, 8, 1, 32), np.float32),
            f"{scope}/ppo_head_0/{head}/kernel": np.zeros((512, 2), np.float32),
        }
    )
    return {
        f"model/{CHECKPOINT}.{part}": data
        for part, data in zip(PARTS, (bundle.data, bundle.index, b"x"), strict=True)
    }


def found(files: dict[str, bytes], *, call: bool = False) -> list[str]:
    """Severity and text of each finding; the reward function is only looked at with `call`, as that takes time."""
    documents = {name: data for name, data in files.items() if call or name != NAMES["reward"]}
    findings = check_import({name: len(data) for name, data in files.items()}, documents)
    return [f"{finding.severity} {finding}" for finding in findings]


def test_a_model_that_is_taken() -> None:
    assert found(model(), call=True) == []
    assert found(model(index=None)) == [] and found(model(coach=None)) == []
    assert found(model(params=OBSTACLES | {"OBJECT_POSITIONS": ["0.1, -1", "0.9,1"]})) == []
    assert found(model(params=PARAMS | {"BODY_SHELL_TYPE": "f1_2021"})) == []
    one_way = {"WORLD_NAME": "Albert", "TRACK_DIRECTION_CLOCKWISE": "true"}
    assert found(model(params=PARAMS | one_way)) == []
    sac = CONTINUOUS | {"training_algorithm": "sac"}
    assert found(model(metadata=sac, hyperparameters={"num_episodes_between_training": 1})) == []
    old = {name: value for name, value in METADATA.items() if name not in ("sensor", "version")}
    assert found(model(metadata=old)) == []


PLACES = OBSTACLES | {"OBJECT_POSITIONS": ["0.1,-1", "0.5,1"]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # files
        ({"params": None}, "refused training_params.yaml: is missing"),
        ({"params": b""}, "refused training_params.yaml: is empty"),
        ({"hyperparameters": None}, "refused ip/hyperparameters.json: is missing"),
        ({"validated": None}, "refused model/model_metadata.json: is missing"),
        # training_params.yaml
        ({"params": b"{"}, "refused training_params.yaml: is not valid YAML"),
        ({"params": b"A: 1\nA: 2\n"}, "A stands twice"),
        ({"params": b"[]"}, "refused training_params.yaml: contains no values"),
        ({"params": PARAMS | {"WORLD_NAME": "2022_april_open_cw"}}, "it has to be 2022_april_open"),
        ({"params": PARAMS | {"WORLD_NAME": "drcli_harbour"}}, "is not a track of DeepRacer on AWS"),
        ({"params": PARAMS | {"WORLD_NAME": "Albert, Vegas_track"}}, "names several tracks (name one"),
        ({"params": {"RACE_TYPE": "TIME_TRIAL"}}, "WORLD_NAME is missing"),
        ({"params": PARAMS | {"TRACK_DIRECTION_CLOCKWISE": "True"}}, "note training_params.yaml: TRACK_DIR"),
        ({"params": PARAMS | {"RACE_TYPE": "HEAD_TO_BOT"}}, "HEAD_TO_BOT becomes TIME_TRIAL"),
        ({"params": PARAMS | {"BODY_SHELL_TYPE": "deepracer", "CAR_COLOR": "Green"}}, "refused training_p"),
        ({"params": PARAMS | {"BODY_SHELL_TYPE": "deepracer", "CAR_COLOR": 3}}, "CAR_COLOR 3 is not a text"),
        ({"params": PARAMS | {"BODY_SHELL_TYPE": "deepracer", "CAR_COLOR": "Pale"}}, "becomes White"),
        ({"params": PARAMS | {"BODY_SHELL_TYPE": "f1_mine"}}, "note training_params.yaml: BODY_SHELL_TYPE"),
        ({"params": PARAMS | {"RACE_TYPE": "OBJECT_AVOIDANCE"}}, "NUMBER_OF_OBSTACLES None is not a number"),
        ({"params": OBSTACLES | {"NUMBER_OF_OBSTACLES": "2"}}, "'2' is not a number (write 1 to 6 without"),
        ({"params": OBSTACLES | {"NUMBER_OF_OBSTACLES": 7}}, "has to be 1 to 6"),
        ({"params": PLACES | {"NUMBER_OF_OBSTACLES": 3}}, "2 OBJECT_POSITIONS for 3 obstacles"),
        ({"params": PLACES | {"OBJECT_POSITIONS": "0.1,-1"}}, "OBJECT_POSITIONS is not a list"),
        ({"params": PLACES | {"OBJECT_POSITIONS": ["0.1", "x,1"]}}, "not all pairs of numbers"),
        ({"params": PLACES | {"OBJECT_POSITIONS": ["0.06,1", "0.5,1"]}}, "0.06 of the lap is before 0.07"),
        ({"params": PLACES | {"OBJECT_POSITIONS": ["0.1,1", "0.95,1"]}}, "0.95 of the lap is after 0.9"),
        ({"params": PLACES | {"OBJECT_POSITIONS": ["0.1,1", "0.2,1"]}}, "0.1 and 0.2 of the lap are less"),
        # model_metadata.json, as the API reads it
        (
            {"metadata": b"// mine\n{}", "validated": METADATA},
            "refused model_metadata.json: is not valid JSON",
        ),
        ({"metadata": b'\xef\xbb\xbf{"a": 1}', "validated": METADATA}, "starts with a byte order mark"),
        ({"metadata": {}, "validated": METADATA}, "refused model_metadata.json: action_space is missing"),
        ({"metadata": METADATA | {"action_space": [3]}}, "is not a list of actions"),
        (
            {
                "metadata": METADATA | {"training_algorithm": "sac"},
                "hyperparameters": {"num_episodes_between_training": 1},
            },
            "SAC does not support discrete",
        ),
        ({"metadata": CONTINUOUS | {"training_algorithm": "sac"}}, "SAC requires num_episodes"),
        (
            {"metadata": CONTINUOUS | {"action_space": BOUNDS | {"speed": {"low": 3, "high": 3}}}},
            "speed: low has",
        ),
        (
            {"metadata": CONTINUOUS | {"action_space": BOUNDS | {"speed": 3}}},
            "speed of action_space has no low",
        ),
        (
            {"metadata": METADATA | {"sensor": ["FRONT_FACING_CAMERA", "RADAR"]}},
            "the sensor RADAR is not shown",
        ),
        ({"hyperparameters": {}}, "note ip/hyperparameters.json: num_episodes_between_training is missing"),
        ({"hyperparameters": []}, "refused ip/hyperparameters.json: is not a JSON object"),
        # the copy that the model validation reads
        (
            {"validated": {"sensor": ["FRONT_FACING_CAMERA"]}},
            "model/model_metadata.json: action_space is missing",
        ),
        ({"validated": METADATA | {"action_space_type": "both"}}, "action_space_type both is unknown"),
        ({"validated": METADATA | {"action_space": BOUNDS}}, "is discrete, but action_space has ranges"),
        ({"validated": METADATA | {"training_algorithm": "dqn"}}, "training_algorithm dqn is unknown"),
        ({"validated": METADATA | {"neural_network": "MINE"}}, "neural_network MINE is unknown"),
        ({"validated": METADATA | {"version": "five"}}, "version 'five' is not a number"),
        ({"validated": {k: v for k, v in METADATA.items() if k != "sensor"}}, "sensor is missing"),
        ({"validated": METADATA | {"sensor": ["LIDAR"]}}, "the sensors ['LIDAR'] have no camera"),
        # metrics
        ({"graph": None}, "note metrics/: metrics/training/training-….json is missing"),
        (
            {"graph": b"{", "graph_b": b"{}"},
            "refused metrics/training/training-metrics.json: is not valid JSON",
        ),
        (
            {"graph": {"metrics": [ROW | {"phase": "test"}]}},
            "note metrics/training/training-metrics.json: is not a",
        ),
        # checkpoint
        ({"index": None, "coach": None}, "deepracer_checkpoints.json and .coach_checkpoint are both missing"),
    ],
)
def test_one_change_one_finding(changes: dict[str, object], said: str) -> None:
    (line,) = found(model(**changes))
    assert said in line


@pytest.mark.parametrize("name", ["hyperparameters.json", "model/hyperparameters.json"])
def test_a_file_at_another_place(name: str) -> None:
    files = model()
    files[name] = files.pop("ip/hyperparameters.json")
    assert found(files) == [
        f"refused ip/hyperparameters.json: is missing (move {name} there; the API reads it in ip/)"
    ]


def test_a_folder_that_is_too_big() -> None:
    sizes = {name: len(data) for name, data in model().items()}
    (finding,) = check_import(
        sizes | {"video.mp4": 1 << 30}, {"metrics/training/training-1.json": b'{"metrics": []}'}
    )
    assert finding.file == "the folder" and refused([finding])
    many = {f"training-simtrace/{number}-iteration.csv": 1 for number in range(1000)}
    notes = check_import(sizes | many, {"metrics/training/training-1.json": b'{"metrics": []}'})
    assert [str(note) for note in notes] == ["the folder: has 1,011 files; only the first 1,000 are imported"]


def test_checkpoints_that_cannot_be_restored() -> None:
    files = {name: data for name, data in model().items() if f"{CHECKPOINT}." not in name}
    assert "refused model/: has no checkpoint" in found(files)[0]
    (said,) = found(files | {f"model/{CHECKPOINT}.safetensors": b"x"})
    assert "not a TensorFlow checkpoint" in said
    (said,) = found(files | {f"model/{CHECKPOINT}.index": b"x"})
    assert f"model/{CHECKPOINT}: is incomplete; missing: data-00000-of-00001, meta" in said


def test_a_checkpoint_that_is_not_there_is_replaced_by_the_highest() -> None:
    assert found(model(index={"last_checkpoint": {"name": "9_Step-900.ckpt"}})) == []
    (said,) = found(
        model(index={"last_checkpoint": {"name": "9_Step-9.ckpt"}}) | {"model/4_Step-1.ckpt.meta": b"x"}
    )
    assert "model/4_Step-1.ckpt: is incomplete" in said


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["sac", "discrete"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["low", "speed"]), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYS = (
    *("WORLD_NAME", "TRACK_DIRECTION_CLOCKWISE", "RACE_TYPE", "NUMBER_OF_OBSTACLES", "OBJECT_POSITIONS"),
    *("BODY_SHELL_TYPE", "CAR_COLOR", "RANDOMIZE_OBSTACLE_LOCATIONS"),
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.dictionaries(st.sampled_from([*METADATA]), VALUES))
def test_no_values_stop_the_check(params: dict[str, object], metadata: dict[str, object]) -> None:
    found(model(params=PARAMS | params, metadata=METADATA | metadata))
    found(model(params=OBSTACLES | params, metadata=CONTINUOUS | metadata))
    found(model(graph=metadata, hyperparameters=params, index=params))


@pytest.mark.parametrize("name", ["", "my model", "ü", "a" * 65, "a_b"])
def test_names_that_are_refused(name: str) -> None:
    (finding,) = check_request(name)
    assert finding.file == "the name"


def test_descriptions() -> None:
    assert [*check_request("my-model-2", "a model 3")] == [*check_request("a" * 64, "b" * 255)] == []
    assert [finding.file for finding in check_request("m", "1.5 m/s")] == ["the description"]
    assert [finding.file for finding in check_request("m", "b" * 256)] == ["the description"]


@pytest.mark.parametrize("text", [b"NaN", b"\xff", b"[1,]", b"[" * 100_000])
def test_json_that_is_refused(text: bytes) -> None:
    assert parse_json(text)[0]
