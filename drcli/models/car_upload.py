"""`dr upload-car-zip`: the file a car installs, built from the bucket; no run needs to be active."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from drcli.config.model_metadata import ModelMetadata
from drcli.config.settings import Settings
from drcli.contract.checkpoint_names import GRAPH, CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.launch.bucket import open_bucket
from drcli.launch.store_access import open_upload_bucket
from drcli.launch.tensorflow_files import converted
from drcli.local import write_atomically
from drcli.models import carfile
from drcli.models.model_location import ModelLocation
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.checkpoints import Which
from drcli.store.client import Bucket
from drcli.store.transfer import Meter, Tell


@dataclass(frozen=True)
class CarFile:
    """A packed model, where it came from, and warnings about it, one line each."""

    source: ModelLocation
    checkpoint: CheckpointName
    content: bytes
    warnings: tuple[str, ...] = ()


def build(settings: Settings, workspace: Workspace, which: Which, prefix: str | None = None) -> CarFile:
    """Pack one checkpoint. Raises DrError if the car would refuse it."""
    bucket = open_bucket(settings, workspace)
    source = ModelLocation(bucket, transfer.prefix_of(prefix or settings.local_s3_model_prefix))
    chosen = model_files.choose(bucket, source.prefix, which)
    metadata = bucket.get(ModelKeys(source.prefix).model_metadata)
    graph = _graph(bucket, chosen, metadata)
    return CarFile(source, chosen.name, carfile.pack(metadata, graph), carfile.doubts(graph))


def _graph(bucket: Bucket, chosen: model_files.Chosen, metadata: bytes) -> bytes:
    """The frozen graph that another engine wrote, else one made from the weights."""
    files = chosen.files
    if GRAPH in files.parts and not files.is_ours:
        return bucket.get(files.parts[GRAPH].key)
    return converted(bucket, files, ModelMetadata.parse(metadata, "model_metadata.json"), ["car"])[GRAPH]


def target(settings: Settings, workspace: Workspace, prefix: str | None, *, is_local: bool) -> ModelLocation:
    """Where the car file goes; `ModelLocation.prefix` is its key."""
    folder = transfer.prefix_of(prefix or settings.upload_s3_prefix)
    bucket = open_bucket(settings, workspace, write=True) if is_local else open_upload_bucket(settings)
    return ModelLocation(bucket, f"{folder}/{carfile.NAME}")


def upload(car: CarFile, place: ModelLocation, tell: Tell = transfer.quiet) -> None:
    """Write it to the bucket: readers see either the old file or the new one."""
    meter = Meter(len(car.content), tell)
    with tempfile.TemporaryDirectory(prefix="drcli-car-") as folder:
        path = Path(folder) / carfile.NAME
        path.write_bytes(car.content)
        place.bucket.upload_file(path, place.prefix, meter.of(carfile.NAME))


def write(car: CarFile, path: Path) -> None:
    """Write it to a file, whole or not at all. DrError where that is not possible."""
    try:
        write_atomically(path, car.content)
    except OSError as error:
        raise DrError(f"{path}: {error.strerror}.") from error
