"""The start of a robomaker log, read as deepracer-log-guru 3.2 reads it."""

from __future__ import annotations

import json

import pytest

from drcli.config.model_metadata import ModelMetadata
from drcli.services.observers.log_intro import lines_of, quoted

CAMERA = {"version": "5", "sensor": ["FRONT_FACING_CAMERA"], "training_algorithm": "clipped_ppo"}
DISCRETE = CAMERA | {
    "action_space_type": "discrete",
    "action_space": [{"steering_angle": -30, "speed": 1.0}, {"steering_angle": 30, "speed": 0.5}],
}
CONTINUOUS = CAMERA | {
    "action_space_type": "continuous",
    "action_space": {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 2}},
}


def as_json(text: str) -> object:
    """What log-guru does with a Python literal."""
    return json.loads(text.replace("'", '"'))


def read(document: dict[str, object]) -> tuple[str, object]:
    """The sensor line and the actions of a model."""
    sensors, actions = lines_of(ModelMetadata.parse(json.dumps(document), "model_metadata.json"))
    start = "Loaded action space from file: "
    assert actions.startswith(start)
    return sensors, as_json(actions.removeprefix(start))


def test_discrete_actions_are_a_list_with_their_positions() -> None:
    sensors, actions = read(DISCRETE)
    assert sensors.startswith(
        "Sensor list ['FRONT_FACING_CAMERA'], network DEEP_CONVOLUTIONAL_NETWORK_SHALLOW, "
    )
    assert sensors.partition(", simapp_version ")[2][:3] == "5.0"
    assert sensors.partition(", training_algorithm ")[2].split(",")[0] == "clipped_ppo"
    assert "action_space_type continuous" not in sensors
    assert actions == [
        {"steering_angle": -30, "speed": 1.0, "index": 0},
        {"steering_angle": 30, "speed": 0.5, "index": 1},
    ]


def test_continuous_actions_are_bounds() -> None:
    sensors, actions = read(CONTINUOUS)
    assert "action_space_type continuous" in sensors
    lidar = as_json(sensors.partition(" lidar_config ")[2])
    assert lidar == {"num_sectors": 8, "num_values_per_sector": 8, "clipping_dist": 2.0}
    assert actions == CONTINUOUS["action_space"]


@pytest.mark.parametrize("name", ["O'Neil", 'the "fast" one', "back\\slash", "Ünal"])
def test_a_name_with_quotes_does_not_break_the_params_line(name: str) -> None:
    line = quoted({"JOB_TYPE": "TRAINING", "RACER_NAME": name, "CAR_COLOR": ["Red"], "WORLD_NAME": "oval"})
    assert line.startswith("{'")
    read_back = as_json(line)
    assert isinstance(read_back, dict)
    assert (read_back["WORLD_NAME"], read_back["CAR_COLOR"]) == ("oval", ["Red"])
