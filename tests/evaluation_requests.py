"""A model whose checkpoints always do the same, and the params document of its evaluation."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import torch

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, publish_checkpoint
from drcli.train.actor_critic import ActorCritic
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.model import ModelSpec

TRACE, METRICS = "out/evaluation-simtrace/0-iteration.csv", "out/metrics.json"


@cache
def weights(num_actions: int, action: int) -> bytes:
    """A checkpoint that always does the same."""
    actions = [{"steering_angle": 0, "speed": speed} for speed in range(1, num_actions + 1)]
    document = {"action_space": actions, "sensor": ["FRONT_FACING_CAMERA"]}
    network = ActorCritic(ModelSpec.of(ModelMetadata.parse(json.dumps(document), "metadata")))
    with torch.no_grad():
        network.policy.dense.weight.zero_()
        network.policy.dense.bias.zero_()
        network.policy.dense.bias[action] = 10.0
    return pack(to_tensors(network), {})


def ask(run: Any, num_actions: int = 3, **params: Any) -> None:
    """A model of two checkpoints that drive otherwise, and the params document of an evaluation."""
    keys = ModelKeys("racer")
    run.bucket.put(keys.model_metadata, run.bucket.get("in/metadata.json"))
    names = [CheckpointName(1, 64), CheckpointName(2, 128)]
    for action, name in enumerate(names, start=1):  # straight on, and left
        index = CheckpointIndex(CheckpointEntry(names[0], 80.0), CheckpointEntry(name))
        publish_checkpoint(run.bucket, keys, name, {"safetensors": weights(num_actions, action)}, index)
    bucket = run.bucket.config.bucket
    document = {
        "JOB_TYPE": "EVALUATION", "WORLD_NAME": "tiny", "MODEL_S3_BUCKET": [bucket], "MODEL_S3_PREFIX": ["racer"],
        "METRICS_S3_BUCKET": [bucket], "METRICS_S3_OBJECT_KEY": [METRICS], "SIMTRACE_S3_BUCKET": [bucket],
        "SIMTRACE_S3_PREFIX": ["out"], "NUMBER_OF_TRIALS": "3", "NUMBER_OF_RESETS": "2", "OFF_TRACK_PENALTY": "1.0",
        "IS_CONTINUOUS": "False",
    }  # fmt: skip
    run.bucket.put(keys.params("params.yaml"), json.dumps(document | params).encode())
