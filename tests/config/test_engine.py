from __future__ import annotations

import json
import subprocess
import sys

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
    check_supported(metadata(sensor=[camera]))


@pytest.mark.parametrize(
    ("changes", "text", "choice"),
    [
        ({"sensor": ["STEREO_CAMERAS"]}, "sensor STEREO_CAMERAS", "FRONT_FACING_CAMERA"),
        ({"sensor": ["observation", "LIDAR"]}, "sensor LIDAR", "FRONT_FACING_CAMERA"),
        (
            {"neural_network": "DEEP_CONVOLUTIONAL_NETWORK"},
            "neural_network DEEP_CONVOLUTIONAL_NETWORK",
            "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        ),
    ],
)
def test_what_it_cannot(changes: dict[str, object], text: str, choice: str) -> None:
    with pytest.raises(UsageError, match=f"^here: drcli's own engine does not support {text} yet") as caught:
        check_supported(metadata(**changes), "here")
    assert choice in caught.value.hint


def test_sac() -> None:
    bounds = {"speed": {"low": 1, "high": 2}, "steering_angle": {"low": -30, "high": 30}}
    check_supported(metadata(training_algorithm="sac", action_space_type="continuous", action_space=bounds))


def test_nothing_that_the_tables_name_is_imported() -> None:
    code = (
        "import sys\n"
        "from drcli.config.engine import check_supported\n"
        "from drcli.config.model_metadata import ModelMetadata\n"
        """check_supported(ModelMetadata.parse('{"action_space": [{"steering_angle": 0, "speed": 1}]}', ""))\n"""
        "assert not {'torch', 'numba', 'drcli.train', 'drcli.sim'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
