"""`carfile.tar.gz`: what a car installs. Exactly one graph, `agent/model.pb`, and `model_metadata.json` at the root.

The rules are those of the car's software (aws-deepracer-*-pkg, deepracer-custom-car): more than one `.pb` and it
ignores them all; other JSON files confuse its navigation.
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
    """The archive; the same bytes for the same model. DrError when the car would not take it."""
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
    """model_metadata.json as strict JSON, with the kind of action space, which the car takes for discrete if unsaid.

    Raises:
        UsageError: it is broken.
        DrError: the car has no such sensor.
    """
    found = ModelMetadata.parse(metadata, _METADATA)
    if "DISCRETIZED_SECTOR_LIDAR" in found.sensors:
        raise DrError(
            "The car has no sensor DISCRETIZED_SECTOR_LIDAR.", "It knows cameras, LIDAR and SECTOR_LIDAR."
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
    """The car looks for its sensors among the names of the inputs."""
    missing = [sensor for sensor in metadata.sensors if f"network_0/{sensor}/{sensor}".encode() not in graph]
    if missing:
        raise DrError(
            f"The graph of the model has no input for {', '.join(missing)}; a car refuses it.",
            "Its model_metadata.json is not the one it was trained with, or the .pb is damaged.",
        )
