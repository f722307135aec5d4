"""Models as the community's engine leaves them: names, shapes, `.meta` and metadata of real ones, weights by chance."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from coach_graphs import GRAPHS, coach_file
from model_samples import REWARD, params

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import GRAPH, CheckpointName, file_name
from drcli.contract.keys import ModelKeys
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.store.client import Bucket
from drcli.tensorflow.checksum import masked_crc32c
from drcli.tensorflow.protobuf import delimited, fixed32, number
from drcli.tensorflow.table_file import write_table
from drcli.tensorflow.tensor_bundle import Variables, shapes_in, shard_suffix, write_bundle
from drcli.train.actor_critic import ActorCritic, restored_actor_critic
from drcli.train.checkpoint import to_tensors
from drcli.train.checkpoint_formats import read_weights
from drcli.train.exports.car_graph import policy_graph
from drcli.train.model import ModelSpec

DISCRETE, CONTINUOUS = "ppo-discrete-9", "ppo-continuous"
BOTH = (DISCRETE, CONTINUOUS)
DATA = shard_suffix()
_TRACES = GRAPHS.parent / "traces" / "drfc-2022-reinvent_base.tar.gz"
needs_models = pytest.mark.skipif(
    not (GRAPHS.is_dir() and _TRACES.is_file()), reason="reference models are not on this machine"
)


@dataclass(frozen=True)
class CommunityModel:
    """One model: its metadata, the files of its checkpoint by part, and a network with the same weights."""

    metadata: bytes
    name: CheckpointName
    files: dict[str, bytes]

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec.of(ModelMetadata.parse(self.metadata, "model_metadata.json"))

    @property
    def network(self) -> ActorCritic:
        return restored_actor_critic(self.spec, read_weights(self.weights, str(self.name)).variables)

    @property
    def weights(self) -> dict[str, bytes]:
        return {part: self.files[part] for part in ("index", DATA)}

    @property
    def graph(self) -> bytes:
        return self.files[GRAPH]


def random_values(shapes: dict[str, tuple[int, ...]], seed: int = 3) -> dict[str, np.ndarray]:
    """Float32 values that make a network whose outputs depend on the picture."""
    chance = np.random.default_rng(seed)
    values = {}
    for name, shape in sorted(shapes.items()):
        spread = (2 / np.prod(shape[:-1])) ** 0.5 if len(shape) > 1 else 0.05
        values[name] = np.asarray(spread * chance.standard_normal(shape), np.float32)
    return values


@cache
def community_model(graph: str) -> CommunityModel:
    """One of the two real ones."""
    index = coach_file(graph, ".index")
    bundle = write_bundle(random_values(shapes_in(index.read_bytes())))
    files = {"index": bundle.index, DATA: bundle.data, "meta": coach_file(graph, ".meta").read_bytes()}
    metadata = (GRAPHS / graph / "model_metadata.json").read_bytes()
    model = CommunityModel(metadata, CheckpointName.parse(index.stem), files)
    values = {name: value.numpy() for name, value in to_tensors(model.network).items()}
    files[GRAPH] = policy_graph(model.network, model.spec, values)
    return model


def put_community_model(bucket: Bucket, prefix: str, graph: str) -> CommunityModel:
    """All that a training of the community's engine leaves in the bucket."""
    model, keys = community_model(graph), ModelKeys(prefix)
    for part, content in model.files.items():
        bucket.put(keys.key("model", file_name(str(model.name), part)), content)
    entry = CheckpointEntry(model.name, 81.5, 1234.5)
    bucket.put(keys.model_metadata, model.metadata)
    bucket.put(keys.checkpoints_index, CheckpointIndex(entry, entry).to_json())
    bucket.put(keys.coach_checkpoint, str(model.name).encode())
    bucket.put(keys.key("model", ".ready"), b"")
    bucket.put(keys.reward_function, REWARD)
    bucket.put(keys.params("training_params.yaml"), params(bucket.config.bucket, prefix, "reinvent_base"))
    with real_documents() as documents:
        for name in ("ip/hyperparameters.json", "metrics/TrainingMetrics.json"):
            bucket.put(keys.key(name), documents(name))
    return model


@contextmanager
def real_documents() -> Iterator:
    """Reads the documents of a training of 2022 by name."""
    with tarfile.open(_TRACES) as archive:
        yield lambda name: archive.extractfile(f"./{name}").read()  # type: ignore[union-attr]


def in_shards(variables: Variables, count: int = 3) -> dict[str, bytes]:
    """An index and so many data files, filled in turn."""
    entries = {b"": number(1, count) + delimited(3, number(1, 1))}
    shards = [b""] * count
    for place, (name, value) in enumerate(sorted(variables.items())):
        shard, content = place % count, value.astype("<f4").tobytes()
        dims = b"".join(delimited(2, number(1, size)) for size in value.shape)
        entries[name.encode()] = b"".join(
            (number(1, 1), delimited(2, dims), number(3, shard), number(4, len(shards[shard])))
        ) + (number(5, len(content)) + fixed32(6, masked_crc32c(content)))
        shards[shard] += content
    files = {shard_suffix(shard, count): content for shard, content in enumerate(shards)}
    return {"index": write_table(entries), **files}


def changed_metadata(graph: str, **keys: object) -> bytes:
    """Its model_metadata.json with other values; None takes a key away."""
    document = json.loads(community_model(graph).metadata) | keys
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()
