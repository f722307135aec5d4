from __future__ import annotations

import json

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.store.model_list import list_models


def params(**values: str) -> bytes:
    return "".join(f"{key}: '{value}'\n" for key, value in values.items()).encode()


def metrics(*progress: float) -> bytes:
    document = TrainingMetrics()
    for value in progress:
        document.append("training", EpisodeResult(1.0, 10.0, "off_track", 0.0, 1.0))
        for delta in (-5, 5):
            document.append("evaluation", EpisodeResult(1.0, value + delta, "off_track", 0.0, 1.0))
    return document.to_json()


def test_a_trained_model(bucket: Bucket) -> None:
    keys = ModelKeys("team/quick-1")
    bucket.put(
        keys.params("training_params.yaml"),
        params(
            WORLD_NAME="drcli_harbour", RACE_TYPE="TIME_TRIAL", METRICS_S3_OBJECT_KEY="elsewhere/Metrics.json"
        ),
    )
    bucket.put("elsewhere/Metrics.json", metrics(40, 90, 70))
    entries = [CheckpointEntry(CheckpointName(number, number * 10)) for number in (1, 2)]
    for entry in entries:
        publish_checkpoint(
            bucket, keys, entry.name, {"safetensors": b"w" * 1000}, CheckpointIndex(entries[0], entry)
        )
    (model,) = list_models(bucket)
    own = bucket.list("team/quick-1/")
    assert model.to_dict() == {
        "prefix": "team/quick-1",
        "world_name": "drcli_harbour",
        "race_type": "TIME_TRIAL",
        "checkpoints": 2,
        "best_progress": 90.0,
        "best_checkpoint": "1_Step-10.ckpt",
        "last_checkpoint": "2_Step-20.ckpt",
        "fastest_checkpoint": None,
        "size_bytes": sum(info.size_bytes for info in own),
        "last_change": max(info.last_modified for info in own).isoformat(timespec="seconds"),
    }
    json.dumps(model.to_dict())


def test_models_of_every_kind_and_what_is_none(bucket: Bucket) -> None:
    bucket.put("custom_files/reward_function.py", b"")
    bucket.put("loose.txt", b"")
    bucket.put("begun/training_params.yaml", params(WORLD_NAME="a"))
    bucket.put("begun-10/training_params_1.yaml", params(WORLD_NAME="b"))
    bucket.put("community/model/3_Step-30.ckpt.index", b"")
    bucket.put("community/model/3_Step-30.ckpt.data-00000-of-00001", b"")
    bucket.put("car/model/model_0.pb", b"")
    found = [(model.prefix, model.world_name, model.checkpoints) for model in list_models(bucket)]
    assert found == [("begun", "a", 0), ("begun-10", "b", 0), ("car", None, 1), ("community", None, 1)]


def test_broken_documents_hide_no_model(bucket: Bucket) -> None:
    for number, text in enumerate((b"", b"{", b"[1]", b"\xff\xfe", b"- a\n b: :")):
        for key in (
            "training_params.yaml",
            "model/deepracer_checkpoints.json",
            "metrics/TrainingMetrics.json",
        ):
            bucket.put(f"m{number}/{key}", text)
    models = list_models(bucket)
    assert [model.prefix for model in models] == ["m0", "m1", "m2", "m3", "m4"]
    assert all(model.world_name is model.best_progress is model.best_checkpoint is None for model in models)


def test_another_name_of_the_params_document(bucket: Bucket) -> None:
    bucket.put("m/mine.yaml", params(WORLD_NAME="a"))
    assert [model.world_name for model in list_models(bucket, "mine.yaml")] == ["a"]
