"""`carfile.tar.gz`: the archive a car installs. It holds one graph, `agent/model.pb`, and `model_metadata.json`.

These are the rules of the car's software (aws-deepracer-*-pkg, deepracer-custom-car): it ignores all `.pb` files if
there is more than one, and other JSON files confuse its navigation. It takes files without an extension for graphs,
too, among them those whose name begins with a dot. It names a model by the text before the first dot of the file.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from pathlib import PurePosixPath

from drcli.config import jsonc
from drcli.config.model_metadata import ModelMetadata
from drcli.errors import DrError, UsageError

ENDING = ".tar.gz"
NAME = f"carfile{ENDING}"
_GRAPH, _METADATA = "agent/model.pb", "model_metadata.json"
_TFLITE_OUTPUT = (
    b"/online/network_1/ppo_head_0/policy"  # fixed in deepracer-custom-car's conversion to TFLite
)


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


def check(archive: bytes, file: str) -> None:
    """Check an archive that was not packed here. Raises DrError if a car would ignore or misread it."""
    try:
        plain = io.BytesIO(
            gzip.decompress(archive)
        )  # all of it, as a car does; tarfile would not miss the end
        with tarfile.open(fileobj=plain, mode="r:") as packed:
            files = {
                str(PurePosixPath(entry.name)): packed.extractfile(entry)
                for entry in packed
                if not entry.isdir()
            }
            content = {name: source.read() if source else b"" for name, source in files.items()}
    except (tarfile.TarError, OSError, EOFError, zlib.error, KeyError) as error:
        raise DrError(f"{file} is not a complete {ENDING} archive: {error}.") from None
    graphs = [name for name in content if PurePosixPath(name).suffix in ("", ".pb")]
    if len(graphs) != 1 or not graphs[0].endswith(".pb"):
        found = ", ".join(graphs) or "none"
        raise DrError(
            f"{file}: a car takes files named *.pb, and files without an extension, for models, and installs an "
            f"archive only if it has exactly one. Found: {found}.",
            "`dr upload-car-zip --output NAME.tar.gz` packs a model as a car needs it.",
        )
    if _METADATA not in content:
        raise DrError(f"{file} has no {_METADATA} at its root.", "The car would not list the model.")
    metadata = content[_METADATA]
    if car_metadata(metadata) != metadata:
        raise DrError(
            f"{file}: a car would misread {_METADATA}.",
            "It has to be JSON without comments, with action_space_type.",
        )
    _check_graph(content[graphs[0]], ModelMetadata.parse(metadata, _METADATA))


def doubts(graph: bytes) -> tuple[str, ...]:
    """What to know about a graph that a car installs, one line each."""
    if _TFLITE_OUTPUT in graph:
        return ()
    return (
        "The community's car software cannot convert this model to TFLite, its default: it only does that for models "
        "trained with clipped_ppo. Choose OpenVINO on the car.",
    )


def model_name(text: str) -> str:
    """The name of a model on a car: spaces become underscores. Raises UsageError if a car would change it further."""
    name = text.replace(" ", "_")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise UsageError(
            f"{text!r} cannot be the name of a model on a car.",
            "Use letters, digits, - and _; a car cuts the name at the first dot.",
        )
    return name


def name_for(prefix: str) -> str:
    """The name on a car for the model under a prefix: its last part, as far as a car can have it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", prefix.rpartition("/")[2])


def _check_graph(graph: bytes, metadata: ModelMetadata) -> None:
    """The car finds its sensors by the names of the graph's inputs."""
    missing = [sensor for sensor in metadata.sensors if f"network_0/{sensor}/{sensor}".encode() not in graph]
    if missing:
        raise DrError(
            f"The model's graph has no input for {', '.join(missing)}; a car would refuse it.",
            "Either model_metadata.json is not the one it was trained with, or the .pb file is damaged.",
        )
