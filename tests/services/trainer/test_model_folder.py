"""The folder of a finished model, as deepracer-utils reads it: episodes and progress are those that were recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drcli.contract.keys import training_metrics
from drcli.store.metrics import TrainingMetrics

GROUP = 6


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def finished(new_shared_run: Callable[..., Any], request: pytest.FixtureRequest) -> tuple[Any, Path]:
    """A run that has ended, and its model copied out of the bucket."""
    run = new_shared_run(workers=request.param, DR_TRAIN_EVAL_INTERVAL="2")
    run.write(
        term_cond_max_episodes=20 * run.workers,
        num_episodes_between_training=GROUP * run.workers + run.workers - 1,
    )
    run.train()
    run.patch.undo()
    for info in run.bucket.list("racer/"):
        run.bucket.download_file(info.key, run.folder / info.key)
    return run, run.folder / "racer"


def recorded(run: Any) -> list[list[Any]]:
    """Rows of the metrics of each worker."""
    keys = [training_metrics(run.keys.default_metrics, worker) for worker in range(run.workers)]
    return [TrainingMetrics.from_json(run.bucket.get(key)).episodes for key in keys]


def test_the_trace(finished: tuple[Any, Path]) -> None:
    from deepracer.logs import AnalysisUtils, DeepRacerLog
    from deepracer.logs.misc import LogFolderType

    run, folder = finished
    log = DeepRacerLog(model_folder=str(folder))
    one, several = LogFolderType.DRFC_MODEL_SINGLE_WORKERS, LogFolderType.DRFC_MODEL_MULTIPLE_WORKERS
    assert log.fh.type is (one if run.workers == 1 else several)
    log.load()
    frame = log.dataframe()
    training = [[row for row in rows if row.phase == "training"] for rows in recorded(run)]
    assert min(map(len, training)) > 2 * GROUP
    for worker, rows in enumerate(training):
        ends = frame[frame["done"] & (frame["worker"] == worker)]
        assert ends["episode"].tolist() == list(range(len(rows)))
        assert ends["progress"].astype(int).tolist() == [row.completion_percentage for row in rows]
        assert ends["iteration"].tolist() == [(row.episode - 1) // GROUP for row in rows]
        rewards = frame[frame["worker"] == worker].groupby("episode")["reward"].sum()
        assert rewards.round().astype(int).tolist() == [row.reward_score for row in rows]
    # Their numbers for episodes of all workers are no two the same, and follow each other.
    per_episode = frame.groupby("unique_episode")[["worker", "episode"]].nunique()
    assert (per_episode == 1).all().all()
    assert frame["unique_episode"].nunique() == sum(map(len, training))
    summary = AnalysisUtils.simulation_agg(frame, secondgroup="unique_episode")
    assert len(summary) == sum(map(len, training))
    assert summary["progress"].max() == frame["progress"].max()
    assert log.hyperparameters()["num_episodes_between_training"] // run.workers == GROUP
    assert [action["steering_angle"] for action in log.action_space()] == [-20, 0, 20]


def test_the_metrics(finished: tuple[Any, Path]) -> None:
    from deepracer.logs import TrainingMetrics as TheirMetrics

    run, folder = finished
    theirs = TheirMetrics(None)
    for worker, rows in enumerate(recorded(run)):
        end = f"_{worker}" if worker else ""
        theirs.addRound(
            "racer", fname=str(folder / f"metrics/TrainingMetrics{end}.json"), training_round=1, worker=worker
        )
        here = theirs.getTraining()
        here = here[here["worker"] == worker]
        training = [row for row in rows if row.phase == "training"]
        assert here["episode"].tolist() == [row.episode for row in training]
        assert here["completion"].tolist() == [row.completion_percentage for row in training]
        assert here["iteration"].tolist() == [(row.episode - 1) // GROUP for row in training]
        assert here["trial"].tolist() == [(row.episode - 1) % GROUP + 1 for row in training]
    evaluation = theirs.getEvaluation()
    expected = [row for row in recorded(run)[0] if row.phase == "evaluation"]
    assert len(expected) >= 2
    assert evaluation["completion"].tolist() == [row.completion_percentage for row in expected]
    assert set(evaluation["worker"]) == {0}
    summary = theirs.getSummary()
    assert summary["train_episodes"].sum() == len(theirs.getTraining())
    assert summary["eval_episodes"].sum() == len(expected)


def test_what_else_is_there(finished: tuple[Any, Path]) -> None:
    """Layout of the community's simulator: deepracer-simapp, `markov/boto/s3/constants.py`."""
    run, folder = finished
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names >= {
        "params.yaml", "ip/hyperparameters.json", "ip/ip.json", "ip/done", "status.json",
        "model/model_metadata.json", "model/.coach_checkpoint", "model/deepracer_checkpoints.json", "model/.ready",
        "model/.finished", "metrics/TrainingMetrics.json",
    }  # fmt: skip
    assert "model/.lock" not in names
    last = (folder / "model/.coach_checkpoint").read_text()
    assert f"model/{last}.safetensors" in names
    index = json.loads((folder / "model/deepracer_checkpoints.json").read_text())
    assert index["last_checkpoint"]["name"] == last
    assert f"model/{index['best_checkpoint']['name']}.safetensors" in names
    assert json.loads((folder / "ip/hyperparameters.json").read_text())["batch_size"] == 32
    assert (folder / "model/model_metadata.json").read_bytes() == run.bucket.get("in/metadata.json")
