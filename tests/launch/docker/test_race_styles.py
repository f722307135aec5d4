"""Boxes on the road and two models on one track, from `dr start-training` to a winner, in all three styles."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from racing import QUICK, Racer

from drcli.config.load import load_settings
from drcli.contract.episode import TraceRow
from drcli.launch.store_access import store_config
from drcli.store import simtrace
from drcli.store.client import Bucket

DOCKER = pytest.mark.docker
pytestmark = pytest.mark.slow
STYLES = ("process", pytest.param("compose", marks=DOCKER), pytest.param("swarm", marks=DOCKER))
RUN = {"process": "46", "compose": "47", "swarm": "48"}
BOXES = {
    "DR_RACE_TYPE": "OBJECT_AVOIDANCE",
    "DR_OA_NUMBER_OF_OBSTACLES": "6",
    "DR_OA_MIN_DISTANCE_BETWEEN_OBSTACLES": "1",
}
RACE = ("--set", "DR_RACE_TYPE=HEAD_TO_MODEL", "--set", "DR_EVAL_OPP_S3_MODEL_PREFIX=rival")


@pytest.fixture(params=STYLES)
def racer(request: pytest.FixtureRequest, new_racer: Callable[[], Racer]) -> Racer:
    style = str(request.param)
    settings = {"DR_RUN_ID": RUN[style], "DR_DOCKER_STYLE": style, "DR_LOCAL_S3_MODEL_PREFIX": "model"}
    if style != "process":
        request.getfixturevalue("simapp_image")
        settings |= {"DR_SIMAPP_VERSION": "test", "DR_MINIO_IMAGE": request.getfixturevalue("minio_image")}
    if style == "swarm":
        request.getfixturevalue("one_node_swarm")
    found = new_racer()
    found.write_run_env(**QUICK | BOXES | settings)
    return found


def crashes(bucket: Bucket, folder: str) -> int:
    """The most that a trace in this folder has counted in an episode."""
    rows = [
        row
        for info in bucket.list(folder)
        if info.key.endswith(".csv")
        for row in simtrace.read_csv(bucket.get(info.key), info.key)
    ]
    assert rows, folder
    return max(TraceRow(*row).obstacle_crash_counter for row in rows)


def test_boxes_then_a_race_of_two_models(racer: Racer) -> None:
    try:
        trained = racer.dr("start-training")
        assert trained.returncode == 0, trained.stderr
        bucket = Bucket(store_config(load_settings(racer.workspace, ()), racer.workspace))
        assert crashes(bucket, "model/training-simtrace/") > 0

        evaluated = racer.dr("evaluate", "--json")
        assert evaluated.returncode == 0, evaluated.stderr
        trials = json.loads(evaluated.stdout)["trials"]
        assert crashes(bucket, "model/evaluation-2") == sum(trial["crash_count"] for trial in trials)

        assert racer.dr("copy-model", "model", "rival", "-f").returncode == 0
        raced = racer.dr("evaluate", "--json", *RACE)
        assert raced.returncode == 0, raced.stderr
        found = json.loads(raced.stdout)
        assert [each["model"] for each in found["standings"]] == ["model", "rival"]
        assert found["opponents"][0]["trials"]
        assert found["winner"] in ("model", "rival", None)
        assert bucket.exists("rival/evaluation-simtrace/0-iteration.csv")
        assert [info for info in bucket.list("rival/metrics/EvaluationMetrics-")]
    finally:
        racer.dr("stop-all", "-y")
