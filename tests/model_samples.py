"""Models in a bucket, of our engine and of the community's, and a second bucket behind an AWS profile."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.client import Bucket
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.store.store_config import StoreConfig
from drcli.tensorflow.tensor_bundle import write_bundle
from drcli.train.actor_critic import new_actor_critic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.model import ModelSpec

SENSOR = "FRONT_FACING_CAMERA"
METADATA = {
    "action_space": [
        {"index": 0, "steering_angle": -20, "speed": 1.0},
        {"index": 1, "steering_angle": 20, "speed": 2.0},
    ],
    "action_space_type": "discrete",
    "sensor": [SENSOR],
    "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
    "training_algorithm": "clipped_ppo",
    "version": "5",
}
HYPERPARAMETERS = {"batch_size": 64, "num_episodes_between_training": 20}
REWARD = b"def reward_function(params):\n    return float(params['progress'])\n"
NETWORK = "main_level/agent/main/online/network_1"
PARTS = ("data-00000-of-00001", "index", "meta")


def name(number: int) -> CheckpointName:
    return CheckpointName(number, number * 100)


def graph(number: int) -> bytes:
    """What stands for a frozen graph: the name of its input, and which one it is."""
    return f"main_level/agent/main/online/network_0/{SENSOR}/{SENSOR} graph {number}".encode()


def weights(number: int, part: str) -> bytes:
    """Two variables of a network for METADATA in TensorFlow's files; anything in others."""
    if part not in PARTS[:2]:
        return f"{part} of checkpoint {number} ".encode() * 500
    variables = {
        f"{NETWORK}/{SENSOR}/Conv2d_0/kernel": np.full((8, 8, 1, 32), number, np.float32),
        f"{NETWORK}/ppo_head_0/policy_fc/kernel": np.full((512, 2), number, np.float32),
    }
    bundle = write_bundle(variables)
    return bundle.index if part == "index" else bundle.data


@cache
def trained(documents: str = json.dumps(METADATA)) -> Checkpoint:
    """A whole network for the metadata, as our engine saves it."""
    model = ModelSpec.of(ModelMetadata.parse(documents, "model_metadata.json"))
    return Checkpoint(to_tensors(new_actor_critic(model)), {}, {})


def make_model(
    bucket: Bucket,
    prefix: str,
    numbers: Iterable[int] = (1, 2, 10),
    *,
    best: int | None = None,
    last: int | None = None,
    community: bool = True,
    world: str = "reInvent2019_track",
) -> None:
    """A trained model; `best` and `last` default to the first and the last number."""
    numbers = list(numbers)
    keys = ModelKeys(prefix)
    bucket.put(keys.reward_function, REWARD)
    bucket.put(keys.model_metadata, json.dumps(METADATA).encode())
    bucket.put(keys.hyperparameters, json.dumps(HYPERPARAMETERS).encode())
    bucket.put(keys.ip, b'{"IP": "127.0.0.1"}')
    bucket.put(keys.params("training_params.yaml"), params(bucket.config.bucket, prefix, world))
    for number in numbers:
        if community:
            for part in PARTS:
                bucket.put(keys.key("model", f"{name(number)}.{part}"), weights(number, part))
            bucket.put(keys.checkpoint(str(name(number)), "pb"), graph(number))
        else:
            bucket.put(keys.checkpoint(str(name(number))), weights(number, "safetensors"))
    first = CheckpointEntry(name(numbers[0] if best is None else best), 83.5, 12.5)
    final = CheckpointEntry(name(numbers[-1] if last is None else last), 70.0, 99.5)
    bucket.put(keys.checkpoints_index, CheckpointIndex(first, final).to_json())
    bucket.put(keys.coach_checkpoint, str(final.name).encode())
    metrics = TrainingMetrics()
    metrics.append("evaluation", EpisodeResult(9.0, 87.6, "off_track", 0.0, 8.0))
    bucket.put(keys.default_metrics, metrics.to_json())


def params(bucket: str, prefix: str, world: str) -> bytes:
    return (
        f"---\n'METRICS_S3_BUCKET': '{bucket}'\n'METRICS_S3_OBJECT_KEY': '{prefix}/metrics/TrainingMetrics.json'\n"
        f"'MODEL_METADATA_FILE_S3_KEY': 'custom_files/model_metadata.json'\n'RACE_TYPE': 'TIME_TRIAL'\n"
        f"'SAGEMAKER_SHARED_S3_BUCKET': '{bucket}'\n'SAGEMAKER_SHARED_S3_PREFIX': '{prefix}'\n"
        f"'WORLD_NAME': '{world}'\n"
    ).encode()


def contents(bucket: Bucket, prefix: str = "") -> dict[str, bytes]:
    """Everything in a bucket, by key."""
    client, name = bucket._client, bucket.config.bucket  # nobody writes: `get` would ask for the size first
    return {
        info.key: client.get_object(Bucket=name, Key=info.key)["Body"].read() for info in bucket.list(prefix)
    }


def under(prefix: str, keys: dict[str, bytes]) -> dict[str, bytes]:
    """Those under a prefix, by their names there."""
    return {
        key.removeprefix(f"{prefix}/"): data for key, data in keys.items() if key.startswith(f"{prefix}/")
    }


@dataclass(frozen=True)
class Profile:
    """An AWS profile whose S3 is the local server: temporary credentials out of a program, as a login gives them."""

    name: str
    config_file: Path


def make_profile(folder: Path, store: StoreConfig, profile: str) -> Profile:
    answer = {
        "Version": 1,
        "AccessKeyId": store.access_key,
        "SecretAccessKey": store.secret_key,
        "SessionToken": "a-temporary-token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    (folder / "login.json").write_text(json.dumps(answer))
    program = folder / "login.py"
    program.write_text(f"print(open({str(folder / 'login.json')!r}).read())\n")
    config = folder / "aws-config"
    config.write_text(
        f"[profile {profile}]\ncredential_process = {sys.executable} {program}\n"
        f"endpoint_url = {store.endpoint_url}\ns3 =\n  addressing_style = path\n"
    )
    return Profile(profile, config)
