from __future__ import annotations

import json

import pytest

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.errors import UsageError


def metadata(**changes: object) -> ModelMetadata:
    document = {
        "action_space": [{"steering_angle": 0, "speed": 1}],
        "sensor": ["observation"],
        "version": "5",
    }
    return ModelMetadata.parse(json.dumps(document | changes), "model_metadata.json")


@pytest.mark.parametrize("camera", ["FRONT_FACING_CAMERA", "observation"])
def test_what_it_can_do(camera: str) -> None:
    assert check_supported(metadata(sensor=[camera])) == camera


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sensor": ["STEREO_CAMERAS"]}, "sensor STEREO_CAMERAS"),
        ({"sensor": ["observation", "LIDAR"]}, "sensor observation, LIDAR"),
        ({"neural_network": "DEEP_CONVOLUTIONAL_NETWORK"}, "neural_network DEEP_CONVOLUTIONAL_NETWORK"),
        (
            {
                "training_algorithm": "sac",
                "action_space_type": "continuous",
                "action_space": {"speed": {"low": 1, "high": 2}, "steering_angle": {"low": -30, "high": 30}},
            },
            "training_algorithm sac",
        ),
    ],
)
def test_what_it_cannot(changes: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=f"^here: drcli's own engine cannot do {text} yet") as caught:
        check_supported(metadata(**changes), "here")
    assert "FRONT_FACING_CAMERA" in caught.value.hint
