"""What the upload of a checkpoint consists of: what drcli, the community's engine and DeepRacer on AWS want of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import UPLOAD_NAME, render_upload, to_yaml
from drcli.config.settings import Settings
from drcli.contract.checkpoint_names import INDEX, file_name
from drcli.contract.keys import ModelKeys, join
from drcli.errors import DrError, UsageError
from drcli.import_checks import graph_metrics
from drcli.launch.tensorflow_files import lacking
from drcli.models.model_location import ModelLocation
from drcli.store import model_files, transfer
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.checkpoints import Which
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.metrics import TrainingMetrics

_WORKER_METRICS = re.compile(r"metrics/TrainingMetrics(?:_\d+)?\.json")


@dataclass(frozen=True)
class UploadFiles:
    """One checkpoint of a model with everything that belongs to it: name → content, or the object to copy."""

    source: ModelLocation
    checkpoint: model_files.Chosen
    files: Mapping[str, bytes | ObjectInfo]
    warnings: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Size in bytes of each file."""
        return {
            name: len(item) if isinstance(item, bytes) else item.size_bytes
            for name, item in self.files.items()
        }

    @property
    def documents(self) -> dict[str, bytes]:
        """The files whose content is known already."""
        return {name: item for name, item in self.files.items() if isinstance(item, bytes)}


def collect(settings: Settings, source: ModelLocation, which: Which, target: tuple[str, str]) -> UploadFiles:
    """What the upload of a model consists of.

    Args:
        settings: settings of the run whose model, or beside whose model another one, is uploaded.
        source: where the model is.
        which: the checkpoint.
        target: bucket and prefix that the params document names.

    Raises:
        DrError: there is no such checkpoint, or the model is incomplete.
    """
    bucket, keys = source.bucket, ModelKeys(source.prefix)
    checkpoint = model_files.choose(bucket, source.prefix, which)
    warnings: list[str] = []
    # The custom files belong to the model in the settings, not to another one.
    is_other = source.prefix != transfer.prefix_of(settings.local_s3_model_prefix)
    spare = () if is_other else (settings.local_s3_reward_key,)
    metadata = _need(bucket, keys.model_metadata)
    document = render_upload(settings, *target)
    files: dict[str, bytes | ObjectInfo] = {
        "model/model_metadata.json": metadata,
        "model_metadata.json": metadata,
        "reward_function.py": _need(bucket, keys.reward_function, *spare),
        "ip/hyperparameters.json": _need(bucket, keys.hyperparameters),
        "model/deepracer_checkpoints.json": checkpoint.index.to_json(),
        "model/.coach_checkpoint": str(checkpoint.name).encode(),
        UPLOAD_NAME: to_yaml(document.values).encode(),
    }
    files |= _checkpoint(bucket, checkpoint.files, metadata, warnings)
    metrics = keys.key("metrics") if is_other else join(settings.local_s3_metrics_prefix)
    found = model_files.relative(metrics, bucket.list(f"{metrics}/"))
    files |= {f"metrics/{name}": bucket.get(info.key) for name, info in found.items()}
    files |= _graph(files, warnings)
    if not found:
        warnings.append(f"The model has no metrics under {metrics}.")
    warnings += _differences(settings, bucket, keys)
    return UploadFiles(source, checkpoint, files, tuple(warnings))


def _checkpoint(
    bucket: Bucket, found: CheckpointFiles, metadata: bytes, warnings: list[str]
) -> dict[str, bytes | ObjectInfo]:
    """Its files, and those that it lacks for engines that use TensorFlow."""
    parts: dict[str, bytes | ObjectInfo] = {**found.parts}
    if INDEX in found.parts:
        parts[INDEX] = bucket.get(found.parts[INDEX].key)  # small, and checked
    if not found.has_tensorflow:
        try:
            parts |= lacking(bucket, found, ModelMetadata.parse(metadata, "model_metadata.json"))
        except UsageError as fault:  # a sensor, network or algorithm that only other engines have
            warnings.append(f"Without a TensorFlow checkpoint: {fault.message}")
    return {f"model/{file_name(str(found.name), part)}": item for part, item in parts.items()} | {
        "model/.finished": b""
    }


def _graph(files: Mapping[str, bytes | ObjectInfo], warnings: list[str]) -> dict[str, bytes]:
    """What DeepRacer on AWS draws the training from, unless the model has it already: the metrics of all workers."""
    if any(map(graph_metrics.is_graph, files)):
        return {}
    documents = {
        name: item
        for name, item in sorted(files.items(), key=lambda row: (len(row[0]), row[0]))
        if isinstance(item, bytes) and _WORKER_METRICS.fullmatch(name)
    }
    try:
        workers = [TrainingMetrics.from_json(item, name) for name, item in documents.items()]
    except DrError as fault:
        warnings.append(f"{fault.message} DeepRacer on AWS will not show a graph of the training.")
        return {}
    return {graph_metrics.DOCUMENT: graph_metrics.graph_document(workers)} if workers else {}


def _need(bucket: Bucket, *keys: str) -> bytes:
    for key in keys:
        content = bucket.find(key)
        if content is not None:
            return content
    raise DrError(
        f"The model is incomplete: {keys[0]} was not found in the {bucket.config.place}.",
        "A training writes this file; `dr models` lists the models.",
    )


def _differences(settings: Settings, bucket: Bucket, keys: ModelKeys) -> list[str]:
    """Where the upload's params document, made from the settings, differs from that of the training."""
    import yaml

    trained: object = None
    with suppress(yaml.YAMLError):
        trained = yaml.safe_load(bucket.find(keys.params(settings.local_s3_training_params_file)) or b"")
    if not isinstance(trained, dict):
        return []
    return [
        f"{UPLOAD_NAME} has {key} {json.dumps(now)} from the settings, "
        f"but the model was trained with {json.dumps(trained[key])}."
        for key, now in (("WORLD_NAME", settings.world_name), ("RACE_TYPE", settings.race_type))
        if key in trained and str(trained[key]) != now
    ]
