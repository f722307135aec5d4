"""An evaluation job: trials, their traces and metrics; all or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evaluation_requests import METRICS, TRACE, ask

from drcli.contract.keys import ModelKeys
from drcli.errors import DrError
from drcli.services.evaluator.evaluation_job import EvaluationJob, which_checkpoint
from drcli.store.simtrace import HEADER, read_csv

COLUMN = {name: number for number, name in enumerate(HEADER)}


def results(run: Any) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
    """Rows of the trace, and of the metrics."""
    return read_csv(run.bucket.get(TRACE)), json.loads(run.bucket.get(METRICS))["metrics"]


@pytest.mark.slow
def test_trials_follow_each_other_in_the_trace(run: Any) -> None:
    ask(run)
    service = run.start("evaluate")
    assert service.wait() == 0
    assert "Evaluation job complete." in service.log
    rows, trials = results(run)
    assert service.log.count("SIM_TRACE_LOG:") == len(rows)
    ends = [row for row in rows if row[COLUMN["done"]]]
    assert [row[COLUMN["episode"]] for row in ends] == [0, 1, 2]
    assert [trial["trial"] for trial in trials] == [1, 2, 3]
    assert [trial["completion_percentage"] for trial in trials] == [
        int(row[COLUMN["progress"]]) for row in ends
    ]
    for number, trial in enumerate(trials):
        faults = [row for row in rows if row[0] == number and row[COLUMN["episode_status"]] == "off_track"]
        assert trial["off_track_count"] == len(faults) == 3  # two resets, then it is over
        assert (trial["reset_count"], trial["episode_status"]) == (3, "Off track")
        paused = [row for row in rows if row[0] == number and row[COLUMN["episode_status"]] == "pause"]
        assert len(paused) == 2 * 15
    assert {row[COLUMN["action"]] for row in rows} == {2}  # the last checkpoint


@pytest.mark.slow
def test_the_same_evaluation_twice_is_the_same(run: Any) -> None:
    found = []
    ask(run, NUMBER_OF_TRIALS="1")
    for _ in range(2):
        run.thread("evaluate").join()
        rows, trials = results(run)
        found.append(([row[: COLUMN["wall_clock"]] for row in rows], trials))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("which", "action"), [("best", 1), pytest.param("anything", 2, marks=pytest.mark.slow)]
)
def test_the_checkpoint_is_chosen(run: Any, which: str, action: int) -> None:
    ask(run, EVAL_CHECKPOINT=which, NUMBER_OF_TRIALS="1", NUMBER_OF_RESETS="0")
    run.thread("evaluate").join()
    assert {row[COLUMN["action"]] for row in results(run)[0]} == {action}


@pytest.mark.slow
def test_a_continuous_evaluation_is_one_episode(run: Any) -> None:
    ask(run, IS_CONTINUOUS="True", NUMBER_OF_TRIALS="2", NUMBER_OF_RESETS="1")
    run.thread("evaluate").join()
    rows, trials = results(run)
    assert sum(row[COLUMN["done"]] for row in rows) == 1
    assert [row[COLUMN["steps"]] for row in rows] == [float(k + 1) for k in range(len(rows))]
    assert trials[-1]["episode_status"] == "Off track"


def test_a_stop_request_leaves_nothing(run: Any) -> None:
    ask(run)
    service = run.thread("evaluate")
    service.stop.request()
    service.join()
    assert run.bucket.list("out/") == []


def test_a_checkpoint_of_another_action_space(run: Any) -> None:
    ask(run, 7)
    with pytest.raises(
        DrError, match=r"does not fit racer/model/model_metadata\.json: .* 7 discrete actions"
    ):
        run.thread("evaluate").join()
    assert run.bucket.list("out/") == []


def test_an_evaluation_drives_on_one_track(run: Any) -> None:
    ask(run, WORLD_NAME="tiny, drcli_oval")
    with pytest.raises(DrError, match="one track") as caught:
        EvaluationJob.read(run.bucket, ModelKeys("racer"), run.environment())
    assert "DR_WORLD_NAME" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "which"),
    [("best", "best"), ("12", 12), ("fastest", "fastest"), ("last", "last"), ("", "last"), ("-1", "last")],
)
def test_names_of_checkpoints(text: str, which: str | int) -> None:
    assert which_checkpoint(text) == which


@pytest.mark.slow
@pytest.mark.parametrize(
    "race",
    [
        {"RACE_TYPE": "OBJECT_AVOIDANCE", "NUMBER_OF_OBSTACLES": "1", "OBJECT_POSITIONS": ["0.12,1"]},
        {"RACE_TYPE": "HEAD_TO_BOT", "NUMBER_OF_BOT_CARS": "1", "MIN_DISTANCE_BETWEEN_BOT_CARS": "1.1"},
    ],
    ids=lambda race: race["RACE_TYPE"],
)
def test_crashes_are_in_metrics_and_trace(run: Any, race: dict[str, Any]) -> None:
    ask(run, COLLISION_PENALTY="2.0", NUMBER_OF_TRIALS="2", **race)
    run.thread("evaluate").join()
    rows, trials = results(run)
    for number, trial in enumerate(trials):
        own = [row for row in rows if row[COLUMN["episode"]] == number]
        crashes = [row for row in own if row[COLUMN["episode_status"]] == "crashed"]
        assert trial["crash_count"] == len(crashes) == own[-1][COLUMN["obstacle_crash_counter"]] >= 1
        assert trial["reset_count"] == trial["crash_count"] + trial["off_track_count"] == 3
        assert {row[COLUMN["pause_duration"]] for row in crashes if not row[COLUMN["done"]]} <= {2.0}
