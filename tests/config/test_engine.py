from __future__ import annotations

import json
import subprocess
import sys

import pytest

from drcli.config.engine import check_supported
from drcli.config.model_metadata import CAMERAS, ModelMetadata
from drcli.errors import UsageError
from drcli.tables import NETWORKS, SENSORS


def metadata(**changes: object) -> ModelMetadata:
    document = {
        "action_space": [{"steering_angle": 0, "speed": 1}],
        "sensor": ["observation"],
        "version": "5",
    }
    return ModelMetadata.parse(json.dumps(document | changes), "model_metadata.json")


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("network", [*NETWORKS])
def test_what_it_can_do(camera: str, network: str) -> None:
    check_supported(metadata(sensor=[camera], neural_network=network))
    for lidar in ("LIDAR", "SECTOR_LIDAR", "DISCRETIZED_SECTOR_LIDAR"):
        check_supported(metadata(sensor=[lidar, camera], neural_network=network))


def test_sac() -> None:
    bounds = {"speed": {"low": 1, "high": 2}, "steering_angle": {"low": -30, "high": 30}}
    check_supported(metadata(training_algorithm="sac", action_space_type="continuous", action_space=bounds))


def test_what_is_in_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of a package that was installed when the file was read."""
    for table, name in ((SENSORS, "SONAR"), (NETWORKS, "WIDE")):
        monkeypatch.setitem(table.members, name, "elsewhere:member")  # type: ignore[arg-type]
    found = metadata(sensor=["observation", "SONAR"], neural_network="WIDE")
    for table, name in ((NETWORKS, "neural_network WIDE"), (SENSORS, "sensor SONAR")):
        monkeypatch.delitem(table.members, name.split()[1])  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=f"does not support {name} yet") as caught:
            check_supported(found)
        assert next(iter(table)) in caught.value.hint
        monkeypatch.setitem(table.members, name.split()[1], "elsewhere:member")  # type: ignore[arg-type]


def test_nothing_that_the_tables_name_is_imported() -> None:
    code = (
        "import sys\n"
        "from drcli.config.engine import check_supported\n"
        "from drcli.config.model_metadata import ModelMetadata\n"
        """check_supported(ModelMetadata.parse('{"action_space": [{"steering_angle": 0, "speed": 1}]}', ""))\n"""
        "assert not {'torch', 'numba', 'drcli.train', 'drcli.sim'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
