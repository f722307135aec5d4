from __future__ import annotations

import json
from typing import Any

import pytest

from drcli.config.model_metadata import Action, LidarConfig, ModelMetadata
from drcli.errors import UsageError
from drcli.paths import defaults_dir
from drcli.tables import ALGORITHMS, NETWORKS, SENSORS

TWO = [{"index": 0, "steering_angle": -30, "speed": 1}, {"index": 1, "steering_angle": 30, "speed": 1}]
BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 4}}


def read(**keys: Any) -> ModelMetadata:
    return ModelMetadata.parse(json.dumps({"action_space": TWO, **keys}), "m.json")


def fault(**keys: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read(**keys)
    return str(caught.value)


def test_the_template_has_no_warnings() -> None:
    path = defaults_dir() / "custom_files" / "model_metadata.json"
    found = ModelMetadata.parse(path.read_bytes(), path.name)
    assert found.warnings == ()
    assert found.discrete is not None
    assert [action.steering_angle_deg for action in found.discrete] == [-30, -15, 0, 15, 30]


def test_discrete() -> None:
    found = read(sensor=["FRONT_FACING_CAMERA"], version="4.0")
    assert found.discrete == (
        Action(steering_angle_deg=-30, speed_mps=1),
        Action(steering_angle_deg=30, speed_mps=1),
    )
    assert found.continuous is None
    assert (found.version, found.sensors, found.training_algorithm) == (
        4.0,
        ("FRONT_FACING_CAMERA",),
        "clipped_ppo",
    )
    assert found.neural_network == "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
    assert found.warnings == ()


def test_continuous() -> None:
    found = read(action_space=BOUNDS, action_space_type="continuous", training_algorithm=" SAC ")
    assert found.discrete is None
    assert found.continuous is not None
    assert (found.continuous.speed_mps.low, found.continuous.steering_angle_deg.high) == (0.5, 30)
    assert found.training_algorithm == "sac"
    assert found.warnings == ()


@pytest.mark.parametrize(
    "space, expected",
    [
        (TWO, True),
        ([TWO[0], {**TWO[1], "steering_angle": 0}], False),
        (BOUNDS, True),
        ({**BOUNDS, "steering_angle": {"low": 0, "high": 30}}, False),
    ],
)
def test_whether_it_steers_both_ways(space: Any, expected: bool) -> None:
    assert read(action_space=space).steers_both_ways is expected


def test_bounds_without_type_pass_with_a_warning() -> None:
    found = read(action_space=BOUNDS)
    assert found.continuous is not None
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("keys", "version", "sensors"),
    [
        ({}, 1.0, ("observation",)),
        ({"sensor": ["LEFT_CAMERA"]}, 2.0, ("LEFT_CAMERA",)),
        ({"version": 1}, 1.0, ("observation",)),
        (
            {"version": "6", "sensor": ["STEREO_CAMERAS", "SECTOR_LIDAR"]},
            6.0,
            ("STEREO_CAMERAS", "SECTOR_LIDAR"),
        ),
        ({"version": 1, "sensor": ["LEFT_CAMERA"]}, 1.0, ("observation",)),
    ],
)
def test_version_and_sensor(keys: dict[str, Any], version: float, sensors: tuple[str, ...]) -> None:
    found = read(**keys)
    assert (found.version, found.sensors) == (version, sensors)
    assert len(found.warnings) == (1 if version < 2 and "sensor" in keys else 0)


def test_missing_sensor_shows_the_version_and_the_way_out() -> None:
    with pytest.raises(UsageError) as caught:
        ModelMetadata.parse(f'{{\n"action_space": {json.dumps(TWO)},\n"version": "5"\n}}', "m.json")
    assert caught.value.message.startswith("m.json:3: ")
    assert '"sensor": ["FRONT_FACING_CAMERA"]' in caught.value.hint


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        ([1, 2], "action 0 has index 1"),
        ([0, 0], "action 1 has index 0"),
        ([0, None], "action 1 has no index"),
        (["0", "1"], "action 0 has index 0"),
    ],
)
def test_the_position_counts_whatever_the_index(indexes: list[Any], said: str) -> None:
    space: list[dict[str, Any]] = [{key: a[key] for key in ("steering_angle", "speed")} for a in TWO]
    for action, index in zip(space, indexes, strict=True):
        action |= {} if index is None else {"index": index}
    found = read(action_space=space)
    assert [said in warning for warning in found.warnings] == [True]
    assert found.discrete == read().discrete


def test_duplicates_are_named() -> None:
    found = read(action_space=[*TWO, {"index": 2, "steering_angle": -30.0, "speed": 1.0}])
    assert found.warnings == ("m.json:1: action 2 is the same as action 0",)


def test_values_beyond_actuation_pass_with_a_warning_that_says_what_is_clipped() -> None:
    text = """{"action_space": [
        {"index": 0, "steering_angle": 45, "speed": 1},
        {"index": 1, "steering_angle": 0, "speed": 8},
        {"index": 2, "steering_angle": 0, "speed": 0.002}
    ]}"""
    steering, speed = ModelMetadata.parse(text, "m.json").warnings
    assert steering.startswith("m.json:2: steering_angle 45:")
    assert "-30 to 30°" in steering
    assert speed.startswith("m.json:3: speed 0.002, 8:")
    assert "0.1 to 4 m/s" in speed
    bounds = {"steering_angle": {"low": -40, "high": 30}, "speed": {"low": 1, "high": 5}}
    assert len(read(action_space=bounds, action_space_type="continuous").warnings) == 2


def test_keys_without_effect() -> None:
    found = read(preprocess_type="GREY_SCALE", regional_parameters=["0"], neural_netwrk="x")
    assert found.warnings == (
        "m.json:1: neural_netwrk is unknown; it has no effect; did you mean neural_network?",
        "m.json:1: regional_parameters has no effect on a training",
    )
    assert read(preprocess_type="RGB").warnings == ("m.json:1: preprocess_type has no effect on a training",)


def test_a_lidar_is_configured_where_it_can_be() -> None:
    sensors = ["LEFT_CAMERA", "DISCRETIZED_SECTOR_LIDAR"]
    found = read(sensor=sensors)
    assert found.lidar_config == LidarConfig(
        num_sectors=8, num_values_per_sector=8, clipping_dist_m=2.0
    )  # those of the community's engine
    given = {"num_sectors": 16, "num_values_per_sector": 3, "clipping_dist": 0.5}
    found = read(sensor=sensors, lidar_config=given)
    assert found.lidar_config.model_dump(by_alias=True) == given
    assert found.warnings == ()
    assert read(sensor=["LEFT_CAMERA", "LIDAR"], lidar_config=given).warnings == (
        "m.json:1: lidar_config has no effect without the sensor DISCRETIZED_SECTOR_LIDAR",
    )
    rate, typo = read(sensor=sensors, lidar_config={"rate": 5, "num_sector": 4}).warnings
    assert rate.startswith("m.json:1: lidar_config.rate is unknown; it has no effect; the lidar's rate")
    assert typo.endswith("lidar_config.num_sector is unknown; it has no effect; did you mean num_sectors?")


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"action_space": []}, "neither a list of actions nor bounds"),
        ({"action_space": 3}, "neither a list of actions nor bounds"),
        ({"action_space": [1]}, "action_space[0] is 1"),
        ({"action_space": [{"steering_angle": 0}]}, "action_space[0].speed is missing"),
        ({"action_space": [{"steering_angle": True, "speed": "x"}]}, "2 problems"),
        (
            {"action_space": {"steering_angle": {"low": 1, "high": 1}, "speed": BOUNDS["speed"]}},
            "low below high",
        ),
        ({"action_space": {"speed": BOUNDS["speed"]}}, "action_space.steering_angle is missing"),
        ({"action_space_type": "continuous"}, "action_space is discrete"),
        ({"action_space_type": "continous"}, "did you mean continuous?"),
        ({"sensor": ["RIGHT_CAMERA"]}, "sensor[0]"),
        ({"sensor": "FRONT_FACING_CAMERA"}, "sensor is"),
        ({"sensor": []}, "0 cameras"),
        ({"sensor": ["LIDAR"]}, "0 cameras"),
        ({"sensor": ["LEFT_CAMERA", "FRONT_FACING_CAMERA"]}, "2 cameras"),
        ({"sensor": ["LEFT_CAMERA", "LIDAR", "SECTOR_LIDAR"]}, "more than one lidar"),
        ({"version": 7, "sensor": ["LEFT_CAMERA"]}, "version is 7"),
        ({"version": "new"}, 'version is "new"'),
        ({"version": True}, "version is true"),
        ({"training_algorithm": "sac"}, "SAC needs a continuous action space"),
        ({"training_algorithm": "dqn"}, "training_algorithm"),
        ({"neural_network": "DEEP"}, "neural_network"),
        ({"neural_network": []}, "neural_network"),
        ({"lidar_config": {"num_sectors": 7}}, "lidar_config.num_sectors is 7"),
        ({"lidar_config": {"num_sectors": 0}}, "lidar_config.num_sectors is 0"),
        ({"lidar_config": {"num_sectors": 128}}, "lidar_config.num_sectors is 128"),
        ({"lidar_config": {"num_values_per_sector": 0}}, "lidar_config.num_values_per_sector is 0"),
        ({"lidar_config": {"num_values_per_sector": 1.5}}, "lidar_config.num_values_per_sector is 1.5"),
        ({"lidar_config": {"clipping_dist": 0.1}}, "lidar_config.clipping_dist"),
        ({"lidar_config": {"clipping_dist": 12.1}}, "lidar_config.clipping_dist is 12.1"),
        ({"lidar_config": None}, "lidar_config is null"),
        ({"neural_network": "DEEP"}, "'DEEP_CONVOLUTIONAL_NETWORK' or 'DEEP_CONVOLUTIONAL_NETWORK_DEEP'"),
    ],
)
def test_wrong_files(keys: dict[str, Any], part: str) -> None:
    message = fault(**keys)
    assert part in message
    assert "m.json:1" in message


def test_what_another_package_adds_to_the_tables_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for table, name in ((SENSORS, "EIGHT_NUMBERS"), (NETWORKS, "ONE_DENSE"), (ALGORITHMS, "reinforce")):
        monkeypatch.setitem(table.members, name, "elsewhere:member")  # type: ignore[arg-type]
    found = read(sensor=["EIGHT_NUMBERS"], neural_network="ONE_DENSE", training_algorithm="REINFORCE")
    assert (found.sensors, found.neural_network) == (("EIGHT_NUMBERS",), "ONE_DENSE")
    assert found.training_algorithm == "reinforce"
    assert read(sensor=["EIGHT_NUMBERS", "LIDAR", "LEFT_CAMERA"]).warnings == ()
    assert "did you mean EIGHT_NUMBERS?" in fault(sensor=["EIGHT_NUMBRES"])


def test_the_action_space_has_a_type() -> None:
    assert read().action_space_type == "discrete"
    assert read(action_space=BOUNDS, action_space_type="continuous").action_space_type == "continuous"


def test_no_action_space() -> None:
    with pytest.raises(UsageError, match="action_space is missing"):
        ModelMetadata.parse("{}", "m.json")


def test_comments_are_tolerated() -> None:
    found = ModelMetadata.parse(
        '{"action_space": [{"index": 0, "steering_angle": 0, "speed": 1},] // one\n}', "m.json"
    )
    assert len(found.warnings) == 2
    assert found.discrete is not None


def test_a_value_of_another_kind_is_refused_in_the_words_of_json() -> None:
    with pytest.raises(UsageError, match=r"sensor is \"LIDAR\": it should be a list, \[ … \]"):
        read(sensor="LIDAR")
    with pytest.raises(UsageError, match=r"lidar_config is \[8\]: it should be an object, \{ … \}"):
        read(lidar_config=[8])
