from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from drcli.config.params_documents import render_evaluation, to_yaml
from drcli.config.run_params import EvaluationParams
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import UsageError
from drcli.launch.tournament import Pairing, driven, pairings, table, winner
from drcli.paths import Workspace
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.store.client import Bucket
from drcli.store.race_list import RaceFacts, races_of

CHECKPOINT = CheckpointName(2, 64)


def result(model: str, place: int, time_s: float = 20.0, laps: int = 2, **more: Any) -> dict[str, Any]:
    figures = {
        "laps": laps,
        "progress": 100 * laps,
        "best_lap_s": 9.5,
        "crashes": 0,
        "off_track": 0,
        "resets": 0,
    }
    return {"model": model, "checkpoint": str(CHECKPOINT), "place": place, "time_s": time_s} | figures | more


def race(*standings: dict[str, Any]) -> RaceFacts:
    return RaceFacts("one/evaluation-20260101000000", "oval", {}, standings)


@pytest.fixture
def files(workspace: Workspace) -> Iterator[Workspace]:
    workspace.system_env.write_text("")
    workspace.run_env.write_text("DR_LOCAL_S3_METRICS_PREFIX=mine/metrics\nDR_WORLD_NAME=drcli_oval\n")
    yield workspace


def test_every_pair_meets(files: Workspace) -> None:
    pairs = pairings(files, ["a", "b", "c"], ["DR_RUN_ID=3"], 2, both_ways=False)
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    settings = pairs[1].settings
    assert (settings.race_type, settings.run_id, settings.eval_number_of_trials) == ("HEAD_TO_MODEL", 3, 2)
    assert (settings.local_s3_model_prefix, settings.eval_opp_s3_model_prefix) == ("a", "c")
    assert (settings.local_s3_metrics_prefix, settings.eval_opp_s3_metrics_prefix) == (
        "a/metrics",
        "c/metrics",
    )
    twice = pairings(files, ["a", "b"], (), None, both_ways=True)
    assert [(pair.first, pair.second) for pair in twice] == [("a", "b"), ("b", "a")]


@pytest.mark.parametrize("models", [[], ["a"], ["a", "b", "a"]])
def test_who_is_no_field(files: Workspace, models: list[str]) -> None:
    with pytest.raises(UsageError, match="two different models"):
        pairings(files, models, (), None, both_ways=False)


@pytest.mark.parametrize(
    ("laps", "word"),
    [
        (None, "DR_RACE_TYPE=TIME_TRIAL"),
        (2, "DR_EVAL_NUMBER_OF_TRIALS=3"),
        (None, "DR_LOCAL_S3_MODEL_PREFIX=c"),
    ],
)
def test_settings_of_a_tournament_cannot_be_others(files: Workspace, laps: int | None, word: str) -> None:
    with pytest.raises(UsageError, match=f"--set {word.partition('=')[0]}: `dr race` sets it"):
        pairings(files, ["a", "b"], [word], laps, both_ways=False)
    assert pairings(files, ["a", "b"], ["DR_EVAL_NUMBER_OF_TRIALS=3"], None, both_ways=False)


def test_points_and_places() -> None:
    races = [
        race(result("a", 1, 18.0), result("b", 2, 20.0, crashes=2)),
        race(result("a", 2, 19.0, best_lap_s=8.0), result("c", 1, 18.5)),
        race(result("b", 1, 17.0), result("c", 1, 17.0)),
    ]
    scores = table(["a", "b", "c", "d"], races)
    assert [(s.place, s.model, s.points, s.wins, s.draws, s.losses) for s in scores] == [
        (1, "c", 4, 1, 1, 0),
        (2, "a", 3, 1, 0, 1),
        (3, "b", 1, 0, 1, 1),
        (4, "d", 0, 0, 0, 0),
    ]
    a, b = scores[1], scores[2]
    assert (a.best_lap_s, a.time_s, a.laps, b.crashes) == (8.0, 37.0, 4, 2)
    assert (scores[3].best_lap_s, winner(scores)) == (None, "c")


def test_equal_points_are_decided_by_laps_then_time() -> None:
    faster = [
        race(result("a", 1, 18.0), result("b", 2, 20.0)),
        race(result("b", 1, 17.0), result("a", 2, 25.0)),
    ]
    assert [(score.place, score.model) for score in table(["a", "b"], faster)] == [(1, "b"), (2, "a")]
    more = [
        race(result("a", 1, 99.0), result("b", 2, 5.0, laps=1)),
        race(result("b", 1, 9.0), result("a", 2, 10.0)),
    ]
    assert winner(table(["a", "b"], more)) == "a"
    same = [race(result("a", 1), result("b", 1))]
    assert [score.place for score in table(["a", "b"], same)] == [1, 1]
    assert winner(table(["a", "b"], same)) is None


def put_model(bucket: Bucket, prefix: str, number: int = CHECKPOINT.number) -> None:
    entry = CheckpointEntry(CheckpointName(number, 32 * number))
    publish_checkpoint(
        bucket, ModelKeys(prefix), entry.name, {"safetensors": b"w"}, CheckpointIndex(entry, entry)
    )


def put_race(bucket: Bucket, pair: Pairing, stamp: str, **more: Any) -> None:
    document = render_evaluation(pair.settings, None, datetime(2026, 1, 2))
    rules = EvaluationParams.parse(to_yaml(document.values)).race.rules
    facts = {
        "world_name": pair.settings.world_name, "rules": rules,
        "standings": [result(pair.first, 1), result(pair.second, 2)],
    } | more  # fmt: skip
    bucket.put(f"{pair.first}/evaluation-{stamp}/evaluation.json", json.dumps(facts).encode())


def test_a_race_that_was_driven_is_found(files: Workspace, bucket: Bucket) -> None:
    (pair,) = pairings(files, ["team/a", "b"], (), 2, both_ways=False)
    for model in ("team/a", "b"):
        put_model(bucket, model)
    assert driven(pair, bucket, "last") is None
    put_race(bucket, pair, "20260101000000", standings=[result("team/a", 2), result("b", 1)])
    put_race(bucket, pair, "20260101000001")
    put_race(bucket, pair, "20260101000002", world_name="another")
    put_race(bucket, pair, "20260101000003", rules={})
    put_race(bucket, pair, "20260101000004", standings=[result("team/a", 1)])  # an evaluation, alone
    bucket.put("team/a/evaluation-20260101000005/evaluation.json", b"{broken")
    found = driven(pair, bucket, "last")
    assert found is not None
    assert (found.evaluation, found.winner) == ("team/a/evaluation-20260101000001", "team/a")
    assert len(list(races_of(bucket, "team/a"))) == 4
    (more_laps,) = pairings(files, ["team/a", "b"], (), 3, both_ways=False)
    assert driven(more_laps, bucket, "last") is None
    (other_way,) = pairings(files, ["b", "team/a"], (), 2, both_ways=False)
    assert driven(other_way, bucket, "last") is None
    put_model(bucket, "b", 3)
    assert driven(pair, bucket, "last") is None
    assert driven(pair, bucket, 2) is not None
