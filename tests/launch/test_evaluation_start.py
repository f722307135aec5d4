"""What needs no evaluation to run; those that do are in tests/cli/test_evaluate.py."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from drcli.config.load import settings_of
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import render_evaluation
from drcli.config.run_params import EvaluationParams
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys, evaluation_facts
from drcli.errors import DrError, UsageError
from drcli.launch.evaluation_start import StartedEvaluation, dry_run, results, start
from drcli.launch.plan import Plan
from drcli.launch.start_checks import check_trainable
from drcli.paths import Workspace
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, Which, publish_checkpoint, read_index
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
    assert start(settings, workspace, clone=True).warnings == ()
    cloned = [info.key for info in bucket.list("mine-E/model/") if info.key.endswith("safetensors")]
    assert cloned == ["mine-E/model/2_Step-64.ckpt.safetensors"]
    bucket.put(keys.model_metadata, METADATA.replace(b'"version": 5', b'"version": 1'))
    (said,) = start(settings, workspace).warnings
    assert said.startswith("mine/model/model_metadata.json: the car of version 1 drives 0.3 of the speed")


def put_model(
    bucket: Bucket, prefix: str, numbers: tuple[int, ...] = (1, 2), metadata: bytes = METADATA
) -> None:
    network = ActorCritic(ModelSpec.of(ModelMetadata.parse(metadata, "metadata")))
    files = {"safetensors": pack(to_tensors(network), {})}
    for number in numbers:
        entry = CheckpointEntry(CheckpointName(number, 32 * number), 1.0)
        publish_checkpoint(bucket, ModelKeys(prefix), entry.name, files, CheckpointIndex(entry, entry))
    bucket.put(ModelKeys(prefix).model_metadata, metadata)


@pytest.fixture
def racing(
    bucket: Bucket, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., StartedEvaluation]:
    """Starts a race of `mine` against another model, except for its services."""
    put_model(bucket, "mine")
    monkeypatch.setattr("drcli.launch.evaluation_start.open_bucket", lambda *_, **__: bucket)
    monkeypatch.setattr("drcli.launch.run_control.start", lambda *_: None)

    def begin(opponent: str, which: Which | None = None, **more: str) -> StartedEvaluation:
        values = {
            "DR_LOCAL_S3_MODEL_PREFIX": "mine", "DR_WORLD_NAME": "drcli_oval", "DR_RACE_TYPE": "HEAD_TO_MODEL",
            "DR_EVAL_OPP_S3_MODEL_PREFIX": opponent,
        }  # fmt: skip
        return start(settings_of(values | more), workspace, which=which)

    return begin


def test_an_opponent_that_cannot_race_is_named(
    racing: Callable[..., StartedEvaluation], bucket: Bucket
) -> None:
    with pytest.raises(DrError, match="DR_EVAL_OPP_S3_MODEL_PREFIX=nobody: The model nobody has no complete"):
        racing("nobody")
    put_model(bucket, "rival")
    with pytest.raises(
        DrError, match=r"DR_EVAL_OPP_S3_MODEL_PREFIX=rival: .* fastest checkpoint of rival is not known"
    ):
        index = read_index(bucket, ModelKeys("mine"))
        assert index
        bucket.put(ModelKeys("mine").checkpoints_index, replace(index, fastest=index.last).to_json())
        racing("rival", "fastest")
    assert not bucket.exists("mine/evaluation_params.yaml")


@pytest.mark.parametrize(
    ("which", "document"), [(None, "last"), ("best", "best"), (1, ["1", "last"]), (2, ["2", "last"])]
)
def test_a_number_is_that_of_the_model_not_of_its_opponent(
    racing: Callable[..., StartedEvaluation], bucket: Bucket, which: Which | None, document: object
) -> None:
    put_model(bucket, "rival", (8,))
    evaluation = racing("rival", which)
    assert evaluation.document.values["EVAL_CHECKPOINT"] == document
    cars = EvaluationParams.parse_cars(bucket.get("mine/evaluation_params.yaml").decode(), 2)
    assert [car.model_prefix for car in cars] == ["mine", "rival"]
    expected = [document, document] if isinstance(document, str) else document
    assert [car.eval_checkpoint for car in cars] == expected
    assert cars[0].metrics_key.startswith("mine/metrics/evaluation/")
    assert cars[1].metrics_key.startswith("rival/metrics/EvaluationMetrics-")


def test_models_that_see_different_things_by_one_lidar_cannot_race(
    racing: Callable[..., StartedEvaluation], bucket: Bucket
) -> None:
    for prefix, sectors in (("mine", 8), ("rival", 16)):
        metadata = json.loads(METADATA) | {
            "sensor": ["FRONT_FACING_CAMERA", "DISCRETIZED_SECTOR_LIDAR"],
            "lidar_config": {"num_sectors": sectors},
        }
        put_model(bucket, prefix, metadata=json.dumps(metadata).encode())
    with pytest.raises(UsageError, match="differ in the lidar_config of their DISCRETIZED_SECTOR_LIDAR"):
        racing("rival")
    assert racing("mine").models == ["mine", "mine"]


def test_a_model_may_race_itself(racing: Callable[..., StartedEvaluation], bucket: Bucket) -> None:
    evaluation = racing("mine", 1)
    keys = evaluation.document.values["METRICS_S3_OBJECT_KEY"]
    assert isinstance(keys, list) and len(set(keys)) == 2


def test_results_of_a_race(racing: Callable[..., StartedEvaluation], bucket: Bucket) -> None:
    put_model(bucket, "rival")
    evaluation = racing("rival")
    metrics = EvaluationMetrics()
    metrics.append(EpisodeResult(0.0, 100.0, "lap_complete", 0.5, 10.75), Incidents(crash_count=1))
    for key in evaluation.document.values["METRICS_S3_OBJECT_KEY"]:  # type: ignore[union-attr]
        bucket.put(str(key), metrics.to_json())
    standings = [
        {"model": name, "checkpoint": "2_Step-64.ckpt", "place": place}
        for name, place in (("mine", 2), ("rival", 1))
    ]
    facts = {"checkpoint": "2_Step-64.ckpt", "standings": standings}
    bucket.put(evaluation_facts(evaluation.simtrace_prefix), json.dumps(facts).encode())
    found = results(evaluation)
    assert (found["winner"], found["standings"]) == ("rival", standings)
    (opponent,) = found["opponents"]
    assert (opponent["model"], opponent["trials"]) == ("rival", found["trials"])
    facts["standings"] = [standing | {"place": 1} for standing in standings]
    bucket.put(evaluation_facts(evaluation.simtrace_prefix), json.dumps(facts).encode())
    assert results(evaluation)["winner"] is None


def test_a_dry_run_refuses_a_race_that_cannot_take_place(workspace: Workspace) -> None:
    values = {"DR_WORLD_NAME": "drcli_oval", "DR_RACE_TYPE": "OBJECT_AVOIDANCE"}
    with pytest.raises(UsageError, match=r"DR_OA_NUMBER_OF_OBSTACLES=60, but drcli_oval .* has room for 8"):
        dry_run(settings_of(values | {"DR_OA_NUMBER_OF_OBSTACLES": "60"}), workspace)


def test_no_training_takes_several_models() -> None:
    settings = settings_of({"DR_RACE_TYPE": "HEAD_TO_MODEL"})
    with pytest.raises(
        UsageError, match="DR_RACE_TYPE=HEAD_TO_MODEL is for evaluations: it takes 2 models"
    ) as caught:
        check_trainable(settings)
    assert "dr evaluate" in caught.value.hint
    check_trainable(settings_of({}))
