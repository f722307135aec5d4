from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from model_samples import METADATA, graph

from drcli.errors import DrError
from drcli.models.carfile import car_metadata, pack

DOCUMENT = json.dumps(METADATA).encode()
BOUNDS = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 1, "high": 3}}


def test_what_a_car_finds() -> None:
    packed = pack(DOCUMENT, graph(3))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        found = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
        assert all(entry.isreg() and entry.mode == 0o644 for entry in archive)
    assert found == {"model_metadata.json": DOCUMENT, "agent/model.pb": graph(3)}
    assert packed == pack(DOCUMENT, graph(3))


def test_a_graph_without_the_sensor_of_the_metadata() -> None:
    for wrong in (b"", b"network_0/observation/observation"):
        with pytest.raises(DrError, match="no input for FRONT_FACING_CAMERA"):
            pack(DOCUMENT, wrong)


def test_a_sensor_no_car_has() -> None:
    other: dict[str, Any] = METADATA | {"sensor": ["FRONT_FACING_CAMERA", "DISCRETIZED_SECTOR_LIDAR"]}
    with pytest.raises(DrError, match="DISCRETIZED_SECTOR_LIDAR"):
        pack(json.dumps(other).encode(), graph(1))


def test_metadata_that_a_car_would_misread() -> None:
    silent = {key: value for key, value in METADATA.items() if key != "action_space_type"}
    continuous = json.dumps(silent | {"action_space": BOUNDS}).encode()
    assert json.loads(car_metadata(continuous))["action_space_type"] == "continuous"
    commented = b"// mine\n" + DOCUMENT
    assert json.loads(car_metadata(commented)) == METADATA
