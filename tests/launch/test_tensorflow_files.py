"""The community's engine loads models of ours: its loader, step by step, with our own reader for TensorFlow.

Source: deepracer-simapp markov/training_worker.py and evaluation_worker.py; markov/boto/s3/files/checkpoint_files/
{deepracer_checkpoint_json,rl_coach_checkpoint,tensorflow_model}.py;
rl_coach/architectures/tensorflow_components/savers.py.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any, Literal

import numpy as np
import pytest
import torch
from coach_graphs import NETWORKS, coach_file
from community_models import (
    BOTH,
    CONTINUOUS,
    DATA,
    DISCRETE,
    CommunityModel,
    community_model,
    in_shards,
    needs_models,
    put_community_model,
)
from model_samples import contents

from drcli.config.load import settings_of
from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.keys import ModelKeys
from drcli.errors import DrError, UsageError
from drcli.launch import evaluation_start
from drcli.launch.pretrained import check_pretrained
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex, choose_checkpoint, publish_checkpoint
from drcli.store.client import Bucket
from drcli.tensorflow.tensor_bundle import read_bundle, shapes_in
from drcli.train.actor_critic import ActorCritic
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.checkpoint_formats import read_weights

pytestmark = needs_models

KEYS = ModelKeys("team/old")
Best = Literal["best", "last"]
OF_BOTH = pytest.mark.parametrize("graph", BOTH)
WAYS = pytest.mark.parametrize("way", ["training", pytest.param("evaluation", marks=pytest.mark.slow)])

SLOW = [pytest.param(*row, marks=pytest.mark.slow) for row in (("training", "last"), ("evaluation", "best"))]


def settings(which: Best) -> Any:
    return settings_of(
        {
            "DR_SIMAPP_SOURCE": "awsdeepracercommunity/deepracer-simapp",
            "DR_DOCKER_STYLE": "compose",
            "DR_LOCAL_S3_MODEL_PREFIX": "team/new",
            "DR_LOCAL_S3_PRETRAINED": "True",
            "DR_LOCAL_S3_PRETRAINED_PREFIX": "team/old",
            "DR_LOCAL_S3_PRETRAINED_CHECKPOINT": which,
        }
    )


def prepare(bucket: Bucket, way: str, which: Best, graph: str) -> None:
    """What a start does before the engine runs."""
    if way == "training":
        check_pretrained(settings(which), bucket, community_model(graph).metadata)
    else:
        evaluation_start._check_any_model(settings("best"), bucket, "team/old", which)


def load(bucket: Bucket, which: Best) -> dict[str, np.ndarray]:
    """What the engine's loader finds in the bucket: the variables by name. It writes `.coach_checkpoint`."""
    document = bucket.find(KEYS.checkpoints_index)
    if document is not None:
        bucket.put(KEYS.coach_checkpoint, json.loads(document)[f"{which}_checkpoint"]["name"].encode())
    name = bucket.get(KEYS.coach_checkpoint).decode()
    files = {posixpath.basename(info.key): info.key for info in bucket.list("team/old/model")}
    if not any(file.startswith(name) for file in files):
        numbered = [file for file in files if re.match(r"\d+_", file)]
        name = max(numbered, key=lambda file: int(file.split("_")[0])).rsplit(".", 1)[0]
    local = {
        file: bucket.get(key) for file, key in files.items() if file.startswith(name) and file[-3:] != ".pb"
    }
    assert f"{name}.meta" in local  # not opened, but a checkpoint is not whole without it
    shards = {
        int(file.removeprefix(f"{name}.data-")[:5]): content
        for file, content in local.items()
        if file.startswith(f"{name}.data-")
    }
    return read_bundle(local[f"{name}.index"], shards)


def assert_restores(values: dict[str, np.ndarray], graph: str, network: ActorCritic) -> None:
    """Every variable that the engine's own graph has is there, with its shape, and with the network's value."""
    wanted = shapes_in(coach_file(graph, ".index").read_bytes())
    assert {name: value.shape for name, value in values.items()} == wanted
    own = to_tensors(network)
    assert all(torch.equal(torch.tensor(values[name]), own[name]) for name in wanted)


def put_ours(bucket: Bucket, graph: str) -> dict[Best, ActorCritic]:
    """A model of ours: checkpoint 3 is the best, 5 the last."""
    spec, networks = community_model(graph).spec, {}
    bucket.put(KEYS.model_metadata, community_model(graph).metadata)
    best = CheckpointEntry(CheckpointName(3, 300), 90.0, 11.5)
    for kind, number in (("best", 3), ("last", 5)):
        torch.manual_seed(number)
        networks[kind] = ActorCritic(spec, is_shared=number == 5)
        networks[kind].initialise()
        last = CheckpointEntry(CheckpointName(number, number * 100), 50.0)
        files = {"safetensors": pack(to_tensors(networks[kind]), {"steps": 7})}
        publish_checkpoint(bucket, KEYS, last.name, files, CheckpointIndex(best, last))
    return networks  # type: ignore[return-value]


@OF_BOTH
@pytest.mark.parametrize(("way", "which"), [("training", "best"), ("evaluation", "last"), *SLOW])
def test_a_model_of_ours(bucket: Bucket, graph: str, way: str, which: Best) -> None:
    networks = put_ours(bucket, graph)
    before = contents(bucket)
    prepare(bucket, way, which, graph)
    prepared = contents(bucket)
    changed = {key for key in prepared if prepared[key] != before.get(key)} - {KEYS.coach_checkpoint}
    name = {"best": "3_Step-300.ckpt", "last": "5_Step-500.ckpt"}[which]
    files = [f"{name}.{part}" for part in ("index", DATA, "meta")] + [f"model_{name[0]}.pb"]
    assert changed == {f"team/old/model/{file}" for file in files}
    assert prepared.keys() >= before.keys()
    assert_restores(load(bucket, which), graph, networks[which])
    prepare(bucket, way, which, graph)
    assert contents(bucket) == prepared | {KEYS.coach_checkpoint: name.encode()}


@OF_BOTH
@WAYS
def test_first_the_best_and_then_the_last(bucket: Bucket, graph: str, way: str) -> None:
    networks = put_ours(bucket, graph)
    for which in ("best", "last", "best"):
        prepare(bucket, way, which, graph)
        assert_restores(load(bucket, which), graph, networks[which])


@OF_BOTH
@WAYS
def test_a_model_of_the_communitys_engine_stays_as_it_is(bucket: Bucket, graph: str, way: str) -> None:
    model = put_community_model(bucket, "team/old", graph)
    before = contents(bucket)
    for which in ("best", "last"):
        prepare(bucket, way, which, graph)
        assert contents(bucket) == before
        values = load(bucket, which)
        assert contents(bucket) == before
    stored = read_bundle(model.files["index"], {0: model.files[DATA]})
    assert all(np.array_equal(values[name], stored[name]) for name in stored)


@pytest.mark.parametrize("shards", [1, 3])
@WAYS
def test_a_checkpoint_without_meta_gets_that_alone(bucket: Bucket, way: str, shards: int) -> None:
    model = put_community_model(bucket, "team/old", DISCRETE)
    bucket.delete([f"team/old/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    stored = read_bundle(model.files["index"], {0: model.files[DATA]})
    for part, content in in_shards(stored, shards).items():
        bucket.put(f"team/old/model/{model.name}.{part}", content)
    before = contents(bucket)
    prepare(bucket, way, "last", DISCRETE)
    after = contents(bucket)
    assert {key for key in after if after[key] != before.get(key)} == {f"team/old/model/{model.name}.meta"}
    assert choose_checkpoint(bucket, KEYS, "last").has_tensorflow
    values = load(bucket, "last")
    assert all(np.array_equal(values[name], stored[name]) for name in stored)


def leave_graphs(bucket: Bucket, graph: str) -> CommunityModel:
    """Of checkpoint 11 or 140, the best, and of the third after it, the last."""
    model = put_community_model(bucket, "team/old", graph)
    bucket.delete([f"team/old/model/{model.name}.{part}" for part in ("index", DATA, "meta")])
    number = model.name.number + 3
    bucket.put(f"team/old/model/model_{number}.pb", model.graph)
    entries = CheckpointEntry(model.name, 81.5, 9.0), CheckpointEntry(CheckpointName(number, 1), 1.0, 10.0)
    bucket.put(KEYS.checkpoints_index, CheckpointIndex(*entries).to_json())
    return model


@OF_BOTH
@WAYS
def test_graphs_that_are_left_of_a_model(bucket: Bucket, graph: str, way: str) -> None:
    """The loader finds them by the index, whose names they get back without the steps."""
    model = leave_graphs(bucket, graph)
    policy = {name for name, _ in model.network.policy_trunk.variables()}
    graphs = {key: content for key, content in contents(bucket).items() if key.endswith(".pb")}
    for which, number in (("last", model.name.number + 3), ("best", model.name.number)):
        prepare(bucket, way, which, graph)
        entry = json.loads(bucket.get(KEYS.checkpoints_index))[f"{which}_checkpoint"]
        assert entry["name"] == f"{number}_Step-0.ckpt"
        assert entry["avg_eval_metric"] == {"best": 81.5, "last": 1.0}[which]
        values = load(bucket, which)
        assert values.keys() == shapes_in(model.files["index"]).keys()
        own = to_tensors(model.network)
        for name in (f"{NETWORKS}/network_1/{name}" for name in policy):
            assert np.array_equal(values[name], own[name].numpy())
    assert {key: content for key, content in contents(bucket).items() if key.endswith(".pb")} == graphs


@pytest.mark.slow
@WAYS
def test_a_start_that_was_cut_off_is_made_up_for(bucket: Bucket, way: str) -> None:
    networks = put_ours(bucket, DISCRETE)
    prepare(bucket, way, "last", DISCRETE)
    whole = contents(bucket)
    for part in (DATA, "index", "meta"):
        bucket.delete([f"team/old/model/5_Step-500.ckpt.{part}"])
        prepare(bucket, way, "last", DISCRETE)
        assert contents(bucket) == whole
    assert_restores(load(bucket, "last"), DISCRETE, networks["last"])


def test_the_model_of_a_start_that_is_refused_stays_as_it_is(bucket: Bucket) -> None:
    put_ours(bucket, DISCRETE)
    before = contents(bucket)
    with pytest.raises(DrError, match="does not fit"):
        check_pretrained(settings("last"), bucket, community_model(CONTINUOUS).metadata)
    assert contents(bucket) == before


@pytest.mark.parametrize("which", [3, "fastest"])
def test_it_evaluates_no_checkpoint_that_it_does_not_know(
    bucket: Bucket, which: int | Literal["fastest"]
) -> None:
    put_ours(bucket, DISCRETE)
    before = contents(bucket)
    with pytest.raises(
        UsageError, match=rf"Checkpoint {which} of team/old: .* only knows the best"
    ) as caught:
        evaluation_start._check_any_model(settings("best"), bucket, "team/old", which)
    assert f"-c {which} " in caught.value.hint
    with pytest.raises(DrError, match=r"There is no model under team/nobody\."):
        evaluation_start._check_any_model(settings("best"), bucket, "team/nobody", "last")
    assert contents(bucket) == before


def test_what_it_learns_from_a_model_of_ours_comes_back(bucket: Bucket) -> None:
    """The files that were written for it, read again by us."""
    networks = put_ours(bucket, CONTINUOUS)
    prepare(bucket, "training", "best", CONTINUOUS)
    bucket.delete(["team/old/model/3_Step-300.ckpt.safetensors"])
    files = choose_checkpoint(bucket, KEYS, "best").read(bucket)
    found = read_weights(files or {}, "m").variables
    own = to_tensors(networks["best"])
    assert found.keys() == own.keys() and all(torch.equal(found[name], own[name]) for name in own)
