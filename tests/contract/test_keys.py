from __future__ import annotations

import pytest

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys, evaluation_trace, training_metrics


def test_the_layout_is_the_communitys() -> None:
    keys = ModelKeys("my-model")
    assert [
        keys.params("training_params.yaml"),
        keys.reward_function,
        keys.model_metadata,
        keys.hyperparameters,
        keys.ip,
        keys.ip_done,
        keys.ready,
        keys.finished,
        keys.lock,
        keys.coach_checkpoint,
        keys.checkpoints_index,
        keys.checkpoint("12_Step-3456.ckpt"),
        keys.training_trace(7),
        keys.default_metrics,
        evaluation_trace("my-model/evaluation-20260102030405"),
    ] == [
        "my-model/training_params.yaml",
        "my-model/reward_function.py",
        "my-model/model/model_metadata.json",
        "my-model/ip/hyperparameters.json",
        "my-model/ip/ip.json",
        "my-model/ip/done",
        "my-model/model/.ready",
        "my-model/model/.finished",
        "my-model/model/.lock",
        "my-model/model/.coach_checkpoint",
        "my-model/model/deepracer_checkpoints.json",
        "my-model/model/12_Step-3456.ckpt.safetensors",
        "my-model/training-simtrace/7-iteration.csv",
        "my-model/metrics/TrainingMetrics.json",
        "my-model/evaluation-20260102030405/evaluation-simtrace/0-iteration.csv",
    ]


def test_several_workers_have_folders_and_metrics_of_their_own() -> None:
    keys = ModelKeys("m")
    assert keys.training_trace(3, worker=0, workers=2) == "m/0/training-simtrace/3-iteration.csv"
    assert keys.training_trace(3, worker=10, workers=12) == "m/10/training-simtrace/3-iteration.csv"
    assert training_metrics("m/metrics/TrainingMetrics.json") == "m/metrics/TrainingMetrics.json"
    assert training_metrics("m/metrics/TrainingMetrics.json", 2) == "m/metrics/TrainingMetrics_2.json"


@pytest.mark.parametrize("prefix", ["a/b", "/a/b/", "a//b", "a/./b"])
def test_a_prefix_has_one_form(prefix: str) -> None:
    assert ModelKeys(prefix).lock == "a/b/model/.lock"
    assert ModelKeys(prefix).model_folder == "a/b/model/"


def test_what_is_ours_looks_like_no_checkpoint() -> None:
    keys = ModelKeys("m")
    name = keys.status.rsplit("/", 1)[1]
    assert "_Step-" not in name and ".ckpt" not in name and not name[0].isdigit()
    assert keys.checkpoint(str(CheckpointName(1, 2))).endswith("/1_Step-2.ckpt.safetensors")
