"""The evaluations in a bucket: from one listing, and the metrics and facts that each has written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import fmean
from typing import Any

from drcli.contract.keys import ModelKeys, evaluation_facts
from drcli.store.client import Bucket
from drcli.store.metrics import EvaluationMetrics

_METRICS = re.compile(r"(?:(.+)/)?evaluation/evaluation-(\d{14})\.json")
_FOLDER = re.compile(r"(.+)/evaluation-(\d{14})/.+")
_USUAL = "/metrics"  # the end of DR_LOCAL_S3_METRICS_PREFIX, unless the user changes it


@dataclass(frozen=True)
class EvaluationInfo:
    """One evaluation. `completion`: mean of the trials in percent; lap times: of complete laps, in seconds.

    What its documents do not contain is None: the community's engine records neither the checkpoint nor, except for
    the last evaluation of a model, the track and the race.
    """

    model: str
    started: datetime
    world_name: str | None
    race_type: str | None
    checkpoint: str | None
    trials: int
    complete: int
    completion: float | None
    best_lap_s: float | None
    mean_lap_s: float | None
    resets: int
    off_track: int
    crashes: int
    metrics_key: str

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"started": self.started.isoformat(timespec="seconds")}


def list_evaluations(
    bucket: Bucket,
    prefix: str = "",
    params_file: str = "evaluation_params.yaml",
    metrics_prefix: str = "",
) -> list[EvaluationInfo]:
    """The evaluations of the model `prefix`, or of all, oldest first.

    `metrics_prefix`: where that model's metrics are if not at the usual prefix.

    Raises:
        DrError: a metrics document, which the message names, is broken.
    """
    places = [f"{prefix}/", f"{metrics_prefix}/"] if prefix else [""]
    keys = sorted({info.key for place in places if place != "/" for info in bucket.list(place)})
    models = _models_by_time(keys)
    found = []
    for key in keys:
        match = _METRICS.fullmatch(key)
        if match is None or not _is_time(match[2]):
            continue
        model = _model(match[1] or "", models.get(match[2], []))
        if not prefix or model == prefix:
            found.append(_read(bucket, key, model, match[2], params_file))
    return sorted(found, key=lambda info: (info.started, info.model))


def _models_by_time(keys: Iterable[str]) -> dict[str, list[str]]:
    """Start of an evaluation → the models that have a folder for that evaluation."""
    models: dict[str, list[str]] = {}
    for key in keys:
        match = _FOLDER.fullmatch(key)
        if match and match[1] not in models.setdefault(match[2], []):
            models[match[2]].append(match[1])
    return models


def _model(metrics_prefix: str, having_folder: list[str]) -> str:
    """The model that metrics belong to: the one whose folder contains them, else the one with the traces."""
    owner = metrics_prefix.removesuffix(_USUAL)
    if owner != metrics_prefix or not having_folder:
        return owner
    return having_folder[0]


def _read(bucket: Bucket, key: str, model: str, stamp: str, params_file: str) -> EvaluationInfo:
    rows = EvaluationMetrics.from_json(bucket.get(key), key).trials
    facts = _facts(bucket, key, model, stamp, params_file)
    progress = [float(row.get("completion_percentage", 0)) for row in rows]
    laps = [
        float(row["elapsed_time_in_milliseconds"]) / 1000
        for row in rows
        if float(row.get("completion_percentage", 0)) >= 100
    ]
    return EvaluationInfo(
        model=model,
        started=datetime.strptime(stamp, "%Y%m%d%H%M%S"),
        world_name=facts.get("world_name"),
        race_type=facts.get("race_type"),
        checkpoint=facts.get("checkpoint"),
        trials=len(rows),
        complete=len(laps),
        completion=fmean(progress) if progress else None,
        best_lap_s=min(laps, default=None),
        mean_lap_s=fmean(laps) if laps else None,
        resets=_sum(rows, "reset_count"),
        off_track=_sum(rows, "off_track_count"),
        crashes=_sum(rows, "crash_count"),
        metrics_key=key,
    )


def _facts(bucket: Bucket, key: str, model: str, stamp: str, params_file: str) -> Mapping[str, Any]:
    """What the evaluation recorded about itself; a params document exists only for a model's last evaluation."""
    import yaml

    facts: dict[str, Any] = {}
    with suppress(ValueError):
        read = json.loads(bucket.find(evaluation_facts(f"{model}/evaluation-{stamp}")) or "{}")
        facts = read if isinstance(read, dict) else {}
    if "world_name" not in facts:
        params: Any = None
        with suppress(yaml.YAMLError):
            params = yaml.safe_load(bucket.find(ModelKeys(model).params(params_file)) or b"")
        if isinstance(params, dict) and key in _listed(params.get("METRICS_S3_OBJECT_KEY")):
            facts |= {"world_name": params.get("WORLD_NAME"), "race_type": params.get("RACE_TYPE")}
    return facts


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(row.get(name, 0)) for row in rows)


def _is_time(stamp: str) -> bool:
    with suppress(ValueError):
        datetime.strptime(stamp, "%Y%m%d%H%M%S")
        return True
    return False
