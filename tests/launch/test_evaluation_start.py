"""What needs no evaluation to run; those that do are in tests/cli/test_evaluate.py."""

from __future__ import annotations

import builtins
from dataclasses import replace
from datetime import datetime

import pytest

from drcli.config.load import settings_of
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import render_evaluation
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys, evaluation_facts
from drcli.errors import DrError
from drcli.launch.evaluation_start import StartedEvaluation, results, start
from drcli.launch.plan import Plan
from drcli.paths import Workspace
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.client import Bucket, ObjectInfo
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents
from drcli.store.store_config import StoreConfig
from drcli.train.actor_critic import ActorCritic
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.model import ModelSpec

NOW = datetime(2026, 1, 2, 3, 4, 5)


@pytest.fixture
def evaluation(bucket: Bucket) -> StartedEvaluation:
    settings = settings_of({"DR_LOCAL_S3_MODEL_PREFIX": "mine", "DR_WORLD_NAME": "drcli_oval"})
    plan = Plan(
        kind="evaluation", run_id=0, prefix="mine", world_name="drcli_oval", style="process", main="robomaker"
    )
    return StartedEvaluation(settings, plan, bucket, render_evaluation(settings, None, NOW))


def test_where_results_are(evaluation: StartedEvaluation) -> None:
    assert evaluation.name == "evaluation-20260102030405"
    assert evaluation.trace_key == f"mine/{evaluation.name}/evaluation-simtrace/0-iteration.csv"
    assert evaluation.metrics_key == f"mine/metrics/evaluation/{evaluation.name}.json"


def test_results(evaluation: StartedEvaluation, bucket: Bucket) -> None:
    """A completed lap is called that, also where the document says In progress."""
    with pytest.raises(DrError, match="ended without results") as caught:
        results(evaluation)
    assert "dr logs robomaker --evaluation" in caught.value.hint
    metrics = EvaluationMetrics()
    metrics.append(EpisodeResult(0.0, 100.0, "in_progress", 0.5, 10.75), Incidents(off_track_count=2))
    metrics.append(EpisodeResult(0.0, 41.9, "off_track", 10.75, 14.0), Incidents(1, 1, 3, 0))
    bucket.put(evaluation.metrics_key, metrics.to_json())
    bucket.put(evaluation_facts(evaluation.simtrace_prefix), b'{"checkpoint": "3_Step-96.ckpt"}')
    found = results(evaluation)
    assert (found["model"], found["checkpoint"], found["world_name"]) == (
        "mine",
        "3_Step-96.ckpt",
        "drcli_oval",
    )
    assert found["trials"] == [
        {
            "trial": 1,
            "completion_percentage": 100,
            "lap_time_s": 10.25,
            "off_track_count": 2,
            "crash_count": 0,
            "reset_count": 2,
            "status": "Lap complete",
        },
        {
            "trial": 2,
            "completion_percentage": 41,
            "lap_time_s": 3.25,
            "off_track_count": 3,
            "crash_count": 1,
            "reset_count": 5,
            "status": "Off track",
        },
    ]


METADATA = b'{"action_space": [{"steering_angle": 0, "speed": 1}], "sensor": ["observation"], "version": 5}'


class Pruned(Bucket):
    """A training prunes the oldest checkpoint right after it was listed."""

    def list(self, prefix: str = "") -> builtins.list[ObjectInfo]:
        found = super().list(prefix)
        if prefix == "mine/model/":
            self.delete(["mine/model/1_Step-32.ckpt.safetensors"])
        return found


def test_a_clone_of_a_model_in_training(
    bucket: Bucket, store: StoreConfig, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ModelKeys("mine")
    network = ActorCritic(ModelSpec.of(ModelMetadata.parse(METADATA, "metadata")))
    files = {"safetensors": pack(to_tensors(network), {})}
    for number in (1, 2):
        entry = CheckpointEntry(CheckpointName(number, 32 * number))
        publish_checkpoint(bucket, keys, entry.name, files, CheckpointIndex(entry, entry))
    bucket.put(keys.model_metadata, METADATA)
    pruned = Pruned(replace(bucket.config))
    monkeypatch.setattr("drcli.launch.evaluation_start.open_bucket", lambda *_, **__: pruned)
    monkeypatch.setattr("drcli.launch.run_control.start", lambda *_: None)
    settings = settings_of({"DR_LOCAL_S3_MODEL_PREFIX": "mine", "DR_WORLD_NAME": "drcli_oval"})
    start(settings, workspace, clone=True)
    cloned = [info.key for info in bucket.list("mine-E/model/") if info.key.endswith("safetensors")]
    assert cloned == ["mine-E/model/2_Step-64.ckpt.safetensors"]
