from __future__ import annotations

import json

import pytest

from drcli.config.params_documents import to_yaml
from drcli.contract.keys import evaluation_facts, join
from drcli.errors import DrError
from drcli.store.client import Bucket
from drcli.store.evaluation_list import list_evaluations
from drcli.store.metrics import EpisodeResult, EvaluationMetrics, Incidents


def document(*trials: tuple[float, float, int]) -> bytes:
    """Trials of (progress %, seconds, times off track)."""
    metrics, begin = EvaluationMetrics(), 0.0
    for progress, seconds, off_track in trials:
        status = "lap_complete" if progress >= 100 else "off_track"
        metrics.append(
            EpisodeResult(0.0, progress, status, begin, begin + seconds), Incidents(off_track_count=off_track)
        )
        begin += seconds
    return metrics.to_json()


def evaluate(bucket: Bucket, model: str, stamp: str, *trials: tuple[float, float, int], **facts: str) -> str:
    """Leave what an evaluation leaves."""
    key = join(model, "metrics", "evaluation", f"evaluation-{stamp}.json")
    folder = f"{model}/evaluation-{stamp}"
    bucket.put(f"{folder}/evaluation-simtrace/0-iteration.csv", b"episode,steps\n")
    if facts:
        bucket.put(evaluation_facts(folder), json.dumps(facts).encode())
    bucket.put(key, document(*trials))
    return key


def test_figures_of_an_evaluation(bucket: Bucket) -> None:
    evaluate(
        bucket,
        "model",
        "20260102030405",
        (100, 12.5, 0),
        (100, 10.5, 1),
        (40, 3.0, 2),
        checkpoint="3_Step-96.ckpt",
        world_name="drcli_oval",
    )
    (found,) = list_evaluations(bucket, "model")
    assert (found.model, f"{found.started:%H:%M:%S}") == ("model", "03:04:05")
    assert (found.checkpoint, found.world_name) == ("3_Step-96.ckpt", "drcli_oval")
    assert (found.trials, found.complete, found.completion) == (3, 2, 80.0)
    assert (found.best_lap_s, found.mean_lap_s) == (10.5, 11.5)
    assert (found.resets, found.off_track, found.crashes) == (3, 3, 0)
    assert json.loads(json.dumps(found.to_dict()))["started"] == "2026-01-02T03:04:05"


def test_no_complete_lap_has_no_lap_time(bucket: Bucket) -> None:
    evaluate(bucket, "model", "20260102030405", (40, 3.0, 2))
    (found,) = list_evaluations(bucket, "model")
    assert (found.best_lap_s, found.mean_lap_s, found.complete) == (None, None, 0)


def test_one_model_or_all_oldest_first(bucket: Bucket) -> None:
    evaluate(bucket, "team/model", "20260103000000", (100, 10, 0))
    evaluate(bucket, "model-10", "20260101000000", (100, 11, 0))
    evaluate(bucket, "model", "20260102000000", (100, 12, 0))
    assert [info.model for info in list_evaluations(bucket)] == ["model-10", "model", "team/model"]
    assert [info.model for info in list_evaluations(bucket, "model")] == ["model"]
    assert list_evaluations(bucket, "none") == []


def test_metrics_in_a_place_of_the_users_own(bucket: Bucket) -> None:
    bucket.put("figures/evaluation/evaluation-20260102030405.json", document((100, 12, 0)))
    bucket.put("model/evaluation-20260102030405/evaluation-simtrace/0-iteration.csv", b"")
    (found,) = list_evaluations(bucket, "model", metrics_prefix="figures")
    assert found.model == "model"
    assert [info.model for info in list_evaluations(bucket)] == ["model"]


def test_of_the_communitys_engine_only_the_last_has_a_track(bucket: Bucket) -> None:
    evaluate(bucket, "model", "20260101000000", (100, 12, 0))
    key = evaluate(bucket, "model", "20260102000000", (100, 11, 0))
    params = to_yaml(
        {"METRICS_S3_OBJECT_KEY": [key], "WORLD_NAME": "reinvent_base", "RACE_TYPE": "TIME_TRIAL"}
    )
    bucket.put("model/evaluation_params.yaml", params.encode())
    assert [info.world_name for info in list_evaluations(bucket, "model")] == [None, "reinvent_base"]
    assert [info.race_type for info in list_evaluations(bucket, "model")] == [None, "TIME_TRIAL"]
    assert [info.checkpoint for info in list_evaluations(bucket, "model")] == [None, None]


def test_what_is_no_evaluation_is_passed_over(bucket: Bucket) -> None:
    bucket.put("model/metrics/evaluation/evaluation-99999999999999.json", b"{}")
    bucket.put("model/metrics/evaluation/notes.json", b"{}")
    assert list_evaluations(bucket) == []


def test_a_broken_document_is_named(bucket: Bucket) -> None:
    bucket.put("model/metrics/evaluation/evaluation-20260102030405.json", b"no")
    with pytest.raises(
        DrError, match=r"model/metrics/evaluation/evaluation-20260102030405\.json is not JSON"
    ):
        list_evaluations(bucket)
