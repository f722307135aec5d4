"""The documents behind the page: of a model in a bucket, of any engine."""

from __future__ import annotations

import shlex

import pytest

from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.learning_curve import LearningCurve, LearningPoint
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.watch.viewer.metrics_curve import curve_of
from drcli.watch.viewer.routes_checkpoints import commands
from drcli.watch.viewer.run_documents import ModelReader, curve_news, read_runs
from drcli.watch.viewer.viewer_context import ViewerContext, to_json


@pytest.fixture
def context(workspace: Workspace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> ViewerContext:
    context = ViewerContext(Settings(), workspace)
    monkeypatch.setattr(context, "bucket", lambda: bucket)
    return context


def metrics(rewards: list[float], lap_s: float) -> TrainingMetrics:
    """Two iterations of training, each followed by an evaluation."""
    written = TrainingMetrics()
    for reward in rewards:
        written.start_iteration()
        written.append("training", EpisodeResult(reward, 40.0, "off_track", 0.0, 5.0))
        written.append("training", EpisodeResult(reward + 2, 60.0, "off_track", 5.0, 9.0))
        written.append("evaluation", EpisodeResult(reward, 100.0, "lap_complete", 9.0, 9.0 + lap_s))
    return written


def test_metrics_of_all_workers_make_a_curve() -> None:
    curve = curve_of([metrics([10.0, 20.0], 8.0), metrics([30.0, 40.0], 10.0)])
    assert [point.reward for point in curve.points] == [21.0, 31.0]
    assert [point.progress for point in curve.points] == [50.0, 50.0]
    assert [point.episodes for point in curve.points] == [4, 8]
    assert [evaluation.laps_s for evaluation in curve.evaluations] == [(8.0, 10.0), (8.0, 10.0)]


def test_a_model_without_a_learning_curve_is_drawn_from_its_metrics(
    context: ViewerContext, bucket: Bucket
) -> None:
    bucket.put("m/metrics/TrainingMetrics.json", metrics([10.0], 8.0).to_json())
    bucket.put("m/metrics/TrainingMetrics_1.json", metrics([30.0], 8.0).to_json())
    curve = ModelReader(context, "m")()["curve"]
    assert curve["source"] == "metrics"
    assert [point["reward"] for point in curve["points"]] == [21.0]


def test_a_learning_curve_comes_first(context: ViewerContext, bucket: Bucket) -> None:
    written = LearningCurve([LearningPoint("pixels", 1, 512, 3, 100.0, reward=7.5)])
    bucket.put(ModelKeys("m").learning_curve, written.to_jsonl())
    curve = ModelReader(context, "m")()["curve"]
    assert (curve["source"], curve["points"][0]["reward"]) == ("learning", 7.5)


def test_what_was_read_stays_while_the_store_is_away(
    context: ViewerContext, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("m/metrics/TrainingMetrics.json", metrics([10.0], 8.0).to_json())
    reader = ModelReader(context, "m")
    before = reader()

    def away() -> Bucket:
        raise DrError("The store is not running.", "Start it.")

    monkeypatch.setattr(context, "bucket", away)
    after = reader()
    assert after["curve"] == before["curve"]
    assert after["store"] == {"state": "away", "message": "The store is not running.", "hint": "Start it."}


def test_of_a_curve_only_what_is_new_is_sent() -> None:
    old = {"source": "learning", "points": [{"at": 1}], "evaluations": []}
    new = {"source": "learning", "points": [{"at": 1}, {"at": 2}], "evaluations": [{"at": 3}]}
    assert curve_news("curve", old, new) == {
        "source": "learning",
        "from": {"points": 1, "evaluations": 0},
        "points": [{"at": 2}],
        "evaluations": [{"at": 3}],
    }
    begun_again = {"source": "learning", "points": [{"at": 9}], "evaluations": []}
    assert curve_news("curve", new, begun_again)["from"] == {"points": 0, "evaluations": 0}


def test_a_workspace_without_runs_has_none(context: ViewerContext) -> None:
    assert read_runs(context) == {"runs": []}


def test_commands_can_be_pasted(context: ViewerContext) -> None:
    given = commands(
        ViewerContext(context.settings, Workspace(context.workspace.root, "fast one")), "a b/c", 12
    )
    words = {name: shlex.split(command) for name, command in given.items()}
    assert words["Evaluate"] == [
        *("dr", "-e", "fast one", "evaluate", "--checkpoint", "12"),
        *("--set", "DR_LOCAL_S3_MODEL_PREFIX=a b/c"),
    ]
    assert words["Car archive"][-2:] == ["--output", "c.tar.gz"]


def test_numbers_that_json_lacks_become_null() -> None:
    assert to_json({"a": [float("nan"), 1.5], "b": float("inf")}) == b'{"a":[null,1.5],"b":null}'
