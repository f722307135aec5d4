from __future__ import annotations

import json
from typing import Any

import pytest
from model_samples import METADATA, PARTS, REWARD

from drcli.models.console_import import check_import, refused
from drcli.models.console_reward import reward_faults
from drcli.models.console_tracks import TRACKS

CHECKPOINT = "3_Step-300.ckpt"
PARAMS: dict[str, Any] = {"WORLD_NAME": "reInvent2019_track", "RACE_TYPE": "TIME_TRIAL"}
BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 3}}
INDEX = {key: {"name": CHECKPOINT} for key in ("best_checkpoint", "last_checkpoint")}


def model(**changes: object) -> dict[str, bytes]:
    """A model folder that the import takes; `changes` by a word for the file, None leaves it out."""
    documents: dict[str, object] = {
        "params": PARAMS,
        "metadata": METADATA,
        "reward": REWARD,
        "hyperparameters": {"num_episodes_between_training": 20},
        "index": INDEX,
        "coach": CHECKPOINT.encode(),
    }
    names = {
        "params": "training_params.yaml",
        "metadata": "model_metadata.json",
        "reward": "reward_function.py",
        "hyperparameters": "ip/hyperparameters.json",
        "index": "model/deepracer_checkpoints.json",
        "coach": "model/.coach_checkpoint",
    }
    files = {
        names[word]: item if isinstance(item, bytes) else json.dumps(item).encode()
        for word, item in (documents | changes).items()
        if item is not None
    }
    files["model/model_metadata.json"] = json.dumps(METADATA).encode()
    files["metrics/training/training-1.json"] = b"{}"
    return files | {f"model/{CHECKPOINT}.{part}": b"x" for part in PARTS}


def found(files: dict[str, bytes], severity: str = "refused") -> list[str]:
    findings = check_import({name: len(data) for name, data in files.items()}, files)
    return [str(finding) for finding in findings if finding.severity == severity]


def test_a_model_that_is_taken() -> None:
    assert found(model()) == [] and found(model(), "note") == []
    assert found(model(index=None)) == [] and found(model(coach=None)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params": None}, "training_params.yaml: is missing"),
        ({"hyperparameters": None}, "ip/hyperparameters.json: is missing"),
        ({"params": b"{"}, "is not valid YAML"),
        ({"params": b"[]"}, "contains no values"),
        ({"params": PARAMS | {"WORLD_NAME": "2022_april_open_cw"}}, "it has to be 2022_april_open"),
        ({"params": PARAMS | {"WORLD_NAME": "drcli_harbour"}}, "is not a track of DeepRacer on AWS"),
        (
            {"params": PARAMS | {"WORLD_NAME": "reInvent2019_track, Vegas_track"}},
            "names several tracks (name one",
        ),
        ({"params": PARAMS | {"RACE_TYPE": "OBJECT_AVOIDANCE"}}, "NUMBER_OF_OBSTACLES"),
        (
            {"params": PARAMS | {"RACE_TYPE": "OBJECT_AVOIDANCE", "NUMBER_OF_OBSTACLES": "7"}},
            "has to be 1 to 6",
        ),
        (
            {
                "params": PARAMS
                | {
                    "RACE_TYPE": "OBJECT_AVOIDANCE",
                    "NUMBER_OF_OBSTACLES": "2",
                    "OBJECT_POSITIONS": ["0.1,-1"],
                }
            },
            "1 OBJECT_POSITIONS for 2 obstacles",
        ),
        ({"metadata": b"// mine\n{}"}, "is not valid JSON"),
        ({"metadata": {}}, "action_space is missing"),
        ({"metadata": METADATA | {"training_algorithm": "SAC"}}, "SAC does not support discrete"),
        ({"metadata": METADATA | {"action_space": BOUNDS, "training_algorithm": "sac"}}, "SAC requires"),
        (
            {"metadata": METADATA | {"action_space": {"speed": {"low": 3, "high": 3}}}},
            "speed: low has to be less than",
        ),
        ({"index": None, "coach": None}, "deepracer_checkpoints.json and .coach_checkpoint are both missing"),
        ({"coach": b"4_Step-400.ckpt"}, "model/4_Step-400.ckpt: is incomplete; missing: index, meta, data"),
        ({"reward": b"def reward(p): pass"}, "does not define reward_function"),
    ],
)
def test_what_is_refused(changes: dict[str, object], said: str) -> None:
    assert said in "\n".join(found(model(**changes)))


def test_our_weights_are_no_tensorflow_checkpoint() -> None:
    files = {name: data for name, data in model().items() if f"{CHECKPOINT}." not in name}
    (said,) = found(files | {f"model/{CHECKPOINT}.safetensors": b"x"})
    assert "not a TensorFlow checkpoint" in said


def test_a_folder_that_is_too_big() -> None:
    sizes = {name: len(data) for name, data in model().items()} | {"video.mp4": 1 << 30}
    (finding,) = refused(check_import(sizes, model()))
    assert finding.file == "the folder"


def test_notes() -> None:
    notes = found(model(params=PARAMS | {"RACE_TYPE": "HEAD_TO_BOT"}), "note")
    assert notes == ["training_params.yaml: RACE_TYPE HEAD_TO_BOT becomes TIME_TRIAL on import"]
    assert (
        "is read as counter-clockwise"
        in found(model(params=PARAMS | {"TRACK_DIRECTION_CLOCKWISE": "true"}), "note")[0]
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import time\ndef reward_function(params): return 1.0", "line 1: import of time"),
        ("from os.path import join\ndef reward_function(params): return 1.0", "import of os.path"),
        ("def reward_function(params):\n    import math\n    return 1.0", "inside a function"),
        ("def reward_function(params):\n    return eval('1.0')", "line 2: eval() is forbidden"),
        ("# my best save\ndef reward_function(params): return 1.0", "line 1: the text 'save'"),
        ("def reward_function(params, more): return 1.0", "exactly one parameter"),
        ("def reward_function(*params): return 1.0", "exactly one parameter"),
        ("def reward_function(params):\nreturn 1.0", "is not valid Python"),
        ("def reward_function(params): return '\0'", "is not valid Python"),
    ],
)
def test_rewards_that_are_refused(source: str, said: str) -> None:
    assert said in "\n".join(reward_faults(source.encode()))


def test_rewards_that_are_taken() -> None:
    source = b"import math\nimport numpy as np\nfrom scipy.spatial import distance\n" + REWARD
    assert list(reward_faults(source)) == []
    assert list(reward_faults(b"\xff")) == ["is not UTF-8"]


def test_the_tracks() -> None:
    assert len(TRACKS) == 62 and not [track for track in TRACKS if track.endswith(("_cw", "_ccw"))]
