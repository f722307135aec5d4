"""The models in a bucket, from one listing and a few small documents of each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from drcli.contract.checkpoint_names import CHECKPOINT_FILE, GRAPH_FILE
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.store.checkpoint_files import checkpoints_among
from drcli.store.checkpoints import read_index
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.metrics import TrainingMetrics


@dataclass(frozen=True)
class ModelInfo:
    """One model of the bucket. What its documents do not contain is None; `best_progress` in percent."""

    prefix: str
    world_name: str | None
    race_type: str | None
    checkpoints: int
    best_progress: float | None
    best_checkpoint: str | None
    last_checkpoint: str | None
    fastest_checkpoint: str | None
    size_bytes: int
    last_change: datetime

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"last_change": self.last_change.isoformat(timespec="seconds")}


def list_models(bucket: Bucket, params_file: str = "training_params.yaml") -> list[ModelInfo]:
    """The models of the bucket: prefixes with a params document (`params_file`) or with checkpoints."""
    stem, suffix = map(re.escape, posixpath.splitext(params_file))
    mark = re.compile(
        rf"(.+)/(?:{stem}(?:_1)?{suffix}|model/(?:\.coach_checkpoint|{CHECKPOINT_FILE}|{GRAPH_FILE}))"
    )
    objects = bucket.list()
    prefixes = {match[1] for info in objects if (match := mark.fullmatch(info.key))}
    return [_model(bucket, prefix, objects, params_file) for prefix in sorted(prefixes)]


def _model(bucket: Bucket, prefix: str, objects: list[ObjectInfo], params_file: str) -> ModelInfo:
    keys = ModelKeys(prefix)
    own = [info for info in objects if info.key.startswith(f"{prefix}/")]
    params = _params(bucket, keys, params_file)
    index = None
    with suppress(DrError):  # a broken index must not hide a model
        index = read_index(bucket, keys)
    return ModelInfo(
        prefix=prefix,
        world_name=params.get("WORLD_NAME"),
        race_type=params.get("RACE_TYPE"),
        checkpoints=len(checkpoints_among(prefix, own)),
        best_progress=_best_progress(bucket, params.get("METRICS_S3_OBJECT_KEY"), keys.default_metrics),
        best_checkpoint=str(index.best.name) if index else None,
        last_checkpoint=str(index.last.name) if index else None,
        fastest_checkpoint=str(index.fastest.name) if index and index.fastest else None,
        size_bytes=sum(info.size_bytes for info in own),
        last_change=max(info.last_modified for info in own),
    )


def _params(bucket: Bucket, keys: ModelKeys, file_name: str) -> Mapping[str, Any]:
    """The params document, or worker 1's if each worker has its own."""
    import yaml

    stem, suffix = posixpath.splitext(file_name)
    for name in (file_name, f"{stem}_1{suffix}"):
        document = bucket.find(keys.params(name))
        if document is not None:
            with suppress(yaml.YAMLError):
                params = yaml.safe_load(document)
                return params if isinstance(params, dict) else {}
    return {}


def _best_progress(bucket: Bucket, metrics_key: str | None, default_key: str) -> float | None:
    """The best mean progress of an evaluation. Documents of uploads name a key without the folder `metrics/`."""
    data = bucket.find(metrics_key) if metrics_key else None
    if data is None:
        data = bucket.find(default_key)
    if data is None:
        return None
    with suppress(DrError):
        means = [
            fmean(row.completion_percentage for row in rows)
            for rows in TrainingMetrics.from_json(data).evaluations()
        ]
        return max(means, default=None)
    return None
