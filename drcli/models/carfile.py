"""`carfile.tar.gz`: the archive a car installs. It holds one graph, `agent/model.pb`, and `model_metadata.json`.

These are the rules of the car's software (aws-deepracer-*-pkg, deepracer-custom-car): it ignores all `.pb` files if
there is more than one, and other JSON files confuse its navigation.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile

from drcli.config import jsonc
from drcli.config.model_metadata import ModelMetadata
from drcli.errors import DrError

NAME = "carfile.tar.gz"
_GRAPH, _METADATA = "agent/model.pb", "model_metadata.json"


def pack(metadata: bytes, graph: bytes) -> bytes:
    """The archive; the same model always gives the same bytes. Raises DrError if the car would refuse it."""
    document = car_metadata(metadata)
    _check_graph(graph, ModelMetadata.parse(metadata, _METADATA))
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in ((_METADATA, document), (_GRAPH, graph)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def car_metadata(metadata: bytes) -> bytes:
    """model_metadata.json as strict JSON, with `action_space_type`: the car assumes "discrete" without it.

    Raises:
        UsageError: the document is invalid.
        DrError: the car does not support a sensor.
    """
    found = ModelMetadata.parse(metadata, _METADATA)
    if "DISCRETIZED_SECTOR_LIDAR" in found.sensors:
        raise DrError(
            "The car does not support the sensor DISCRETIZED_SECTOR_LIDAR.",
            "It supports cameras, LIDAR and SECTOR_LIDAR.",
        )
    raw = jsonc.parse(metadata, _METADATA).value
    if found.continuous and "action_space_type" not in raw:
        return json.dumps(raw | {"action_space_type": "continuous"}, indent=2).encode()
    try:
        json.loads(metadata)
    except ValueError:
        return json.dumps(raw, indent=2).encode()
    return metadata


def _check_graph(graph: bytes, metadata: ModelMetadata) -> None:
    """The car finds its sensors by the names of the graph's inputs."""
    missing = [sensor for sensor in metadata.sensors if f"network_0/{sensor}/{sensor}".encode() not in graph]
    if missing:
        raise DrError(
            f"The model's graph has no input for {', '.join(missing)}; a car would refuse it.",
            "Either model_metadata.json is not the one it was trained with, or the .pb file is damaged.",
        )
