"""The weights of a checkpoint, whichever engine wrote it, and what becomes of damaged ones."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
import torch
from community_models import (
    BOTH,
    CONTINUOUS,
    DISCRETE,
    community_model,
    in_shards,
    needs_models,
    random_values,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from model_specs import CAMERA, metadata, model_of, opinionated

from drcli.config.hyperparameters import Hyperparameters
from drcli.errors import DrError
from drcli.tensorflow.frozen_graph import read_constants
from drcli.tensorflow.tensor_bundle import read_bundle, write_bundle
from drcli.train.actor_critic import ActorCritic, restored_actor_critic
from drcli.train.algorithms.ppo import ClippedPPO
from drcli.train.checkpoint import Checkpoint, pack, to_tensors, with_camera_of
from drcli.train.checkpoint_formats import read_weights
from drcli.train.exports.export import exported
from drcli.train.hardware import Hardware
from drcli.train.model import ModelSpec
from drcli.train.network import weights_of
from drcli.train.rollout import Rollout, RolloutBuffer, RolloutSpec

NUMBERS = pytest.mark.parametrize("num_actions", [5, 0])
POLICY, VALUE = "main_level/agent/main/online/network_1/", "main_level/agent/main/online/network_0/"
CPU = Hardware(torch.device("cpu"), torch.float32)


@cache
def formats(num_actions: int) -> Mapping[str, dict[str, bytes]]:
    """The same network in all formats."""
    checkpoint = Checkpoint(to_tensors(opinionated(num_actions)), {"steps": 7}, {})
    files = exported(checkpoint, metadata(num_actions), ["tensorflow"])
    arrays = {name: value.numpy() for name, value in checkpoint.variables.items()}
    return {
        "native": {"safetensors": pack(checkpoint.variables, checkpoint.counters)},
        "bundle": {part: files[part] for part in ("index", "data-00000-of-00001")},
        "shards": in_shards(arrays),
        "graph": {"pb": files["pb"]},
    }


def images(count: int = 3) -> dict[str, torch.Tensor]:
    chance = torch.Generator().manual_seed(5)
    return {CAMERA: torch.randint(0, 256, (count, 120, 160), generator=chance).to(torch.uint8)}


def outputs(network: ActorCritic, camera: str = CAMERA) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        policy, value = network({camera: images()[CAMERA]})
    return policy, value


@NUMBERS
@pytest.mark.parametrize("kind", ["native", "bundle", "shards", "graph"])
def test_the_policy_is_the_same_in_all_formats(num_actions: int, kind: str) -> None:
    checkpoint = read_weights(formats(num_actions)[kind], "1_Step-2.ckpt")
    network = restored_actor_critic(model_of(num_actions), checkpoint.variables)
    policy, value = outputs(network)
    wanted_policy, wanted_value = outputs(opinionated(num_actions))
    assert torch.equal(policy, wanted_policy)
    assert torch.equal(value, wanted_value) == (kind != "graph")
    assert (checkpoint.counters == {"steps": 7}) == (kind == "native")
    free = dict(network.policy.free_variables(""))
    assert list(free) == ([] if num_actions else ["/policy_log_std"])


@NUMBERS
def test_a_frozen_graph_can_be_trained_on(num_actions: int) -> None:
    """Its value looks at what the policy sees, and knows nothing yet; exploration is that of a new model."""
    model = model_of(num_actions)
    network = restored_actor_critic(model, read_weights(formats(num_actions)["graph"], "m").variables)
    trunks = [dict(trunk.variables()) for trunk in (network.policy_trunk, network.value_trunk)]
    assert all(torch.equal(trunks[0][name], trunks[1][name]) for name in trunks[0])
    for name, value in network.policy.free_variables(""):
        new = dict(ActorCritic(model).policy.free_variables(""))
        assert torch.equal(value, new[name])
    learner = ClippedPPO.learner(network, Hyperparameters(batch_size=8, num_epochs=1), CPU, 3)
    before = to_tensors(network)
    rollouts = [rollout(model, network)]
    learner.adapt(rollouts)
    assert unchanged(before, to_tensors(network), POLICY) and not unchanged(
        before, to_tensors(network), VALUE
    )
    assert learner.learn(rollouts)
    assert not unchanged(before, to_tensors(network), POLICY)
    again = restored_actor_critic(model, to_tensors(network))
    assert torch.equal(outputs(again)[1], outputs(network)[1])


def rollout(model: ModelSpec, network: ActorCritic) -> Rollout:
    """16 steps of one car, whose rewards are by chance."""
    actor = ClippedPPO.actor(model, Hyperparameters(), CPU, 3)
    actor.load(weights_of(network, torch.float32))
    buffer = RolloutBuffer(RolloutSpec.of(model, ClippedPPO.extras), 1, capacity=16)
    chance = np.random.default_rng(1)
    for step in range(16):
        obs = {CAMERA: chance.integers(0, 256, (1, 120, 160)).astype(np.uint8)}
        decision = actor.act(obs, step=step)
        rewards = chance.standard_normal(1).astype(np.float32)
        buffer.add(np.arange(1), obs, decision, rewards, np.array([step == 15]))
    return buffer.rollout(obs, decision.extras)


def unchanged(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor], scope: str) -> bool:
    return all(torch.equal(before[name], after[name]) for name in before if name.startswith(scope))


@pytest.mark.parametrize("kind", ["native", "bundle", "graph"])
@pytest.mark.parametrize("camera", ["observation", "FRONT_FACING_CAMERA"])
def test_a_camera_may_have_another_name(camera: str, kind: str) -> None:
    """Of a model from before metadata had a version, and back."""
    first, second = metadata(5, sensor=[camera]), model_of(5, sensor=["observation"])
    variables = with_camera_of(ModelSpec.of(first).sensors, to_tensors(opinionated(5)))
    assert all(f"/{camera}/" in name for name in variables if "Conv2d" in name)
    files = exported(Checkpoint(dict(variables), {}, {}), first, ["tensorflow"])
    files["safetensors"] = pack(variables, {})
    parts = {"native": ["safetensors"], "bundle": ["index", "data-00000-of-00001"], "graph": ["pb"]}[kind]
    found = read_weights({part: files[part] for part in parts}, "m").variables
    network = restored_actor_critic(second, found)
    assert torch.equal(outputs(network, "observation")[0], outputs(opinionated(5))[0])
    assert all(f"/{camera}/" not in name for name in to_tensors(network)) == (camera != "observation")


@needs_models
@pytest.mark.parametrize("graph", BOTH)
def test_a_model_of_the_community_in_any_number_of_shards(graph: str) -> None:
    model = community_model(graph)
    values = read_bundle(model.files["index"], {0: model.weights["data-00000-of-00001"]})
    assert len(values) == {DISCRETE: 22, CONTINUOUS: 23}[graph]
    for count in (1, 2, 23, 40):
        tensors = read_weights(in_shards(values, count), "m").variables
        assert tensors.keys() == values.keys()
        assert all(np.array_equal(tensors[name].numpy(), value) for name, value in values.items())
    network = restored_actor_critic(model.spec, tensors)
    assert not network.is_shared
    saved = to_tensors(network)
    names = [name for name in values if "rescaler" not in name]  # they have no effect, and ours are 1
    assert all(np.array_equal(saved[name].numpy(), values[name]) for name in names)


# What is damaged.


def small() -> dict[str, dict[str, bytes]]:
    """Few variables in all formats, so that every byte counts."""
    values = random_values({f"{POLICY}a/kernel": (3, 4), f"{POLICY}a/bias": (4,), f"{VALUE}b": ()})
    bundle = write_bundle(values)
    tensors = {name: torch.tensor(value) for name, value in values.items()}
    return {
        "native": {"safetensors": pack(tensors, {"steps": 7}, {"moments": torch.ones(2)})},
        "bundle": {"index": bundle.index, "data-00000-of-00001": bundle.data},
        "shards": in_shards(values),
    }


SMALL = small()


def safetensors(header: object, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


@pytest.mark.parametrize(
    "files",
    [
        {"safetensors": b""},
        {"safetensors": b"\xff" * 64},
        {"safetensors": safetensors([])},
        {"safetensors": safetensors(b"[" * 100_000)},
        {"safetensors": safetensors(b'{"__metadata__":{"drcli":"' + b"[" * 100_000 + b'"}}')},
        {"safetensors": safetensors({"__metadata__": {"drcli": "[1]"}})},
        {"safetensors": safetensors({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}})},
        {"safetensors": SMALL["native"]["safetensors"][:-1]},
        {"index": b"", "data-00000-of-00001": b""},
        {"index": b"\0" * 48, "data-00000-of-00001": b""},
        SMALL["bundle"] | {"data-00000-of-00001": b""},
        {"index": SMALL["bundle"]["index"]},
        {part: content for part, content in SMALL["shards"].items() if "00001-of" not in part},
        {"index": SMALL["bundle"]["index"], "data-00001-of-00002": b"", "data-00000-of-00002": b""},
        {"pb": b"\xff" * 20},
        {"pb": b"\x0a\xff\xff\xff\xff\x0f"},
    ],
)
def test_what_is_not_a_checkpoint(files: dict[str, bytes]) -> None:
    with pytest.raises(
        DrError, match=r"^Checkpoint team/1_Step-2\.ckpt is damaged: [^\n]{5,200}\n"
    ) as caught:
        read_weights(files, "team/1_Step-2.ckpt")
    assert caught.value.hint == "Use another checkpoint of the model."


def test_metadata_of_safetensors_may_be_missing() -> None:
    """Of a file that another program has written."""
    for header in ({}, {"__metadata__": None}, {"__metadata__": {"format": "pt"}}):
        assert read_weights({"safetensors": safetensors(header)}, "m") == Checkpoint({}, {}, {})


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    """Values of TensorFlow's files have checksums; those of ours have a size and a shape."""
    kind = data.draw(st.sampled_from(["native", "bundle", "shards"]))
    part = data.draw(st.sampled_from(sorted(SMALL[kind])))
    content = SMALL[kind][part]
    at, instead = data.draw(st.integers(0, len(content))), data.draw(st.binary(max_size=4))
    bad = SMALL[kind] | {part: content[:at] + instead + content[at + data.draw(st.integers(0, 8)) :]}
    try:
        found = read_weights(bad, "m").variables
    except DrError as error:
        assert error.message.startswith("Checkpoint m is damaged: ")
        return
    if kind != "native":
        good = read_weights(SMALL[kind], "m").variables
        assert all(torch.equal(value, good[name]) for name, value in found.items() if name in good)


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.booleans())
def test_a_damaged_graph_of_a_real_size(at: int, is_cut: bool) -> None:
    pb = formats(5)["graph"]["pb"]
    at %= len(pb)
    bad = pb[:at] if is_cut else pb[:at] + bytes([pb[at] ^ 0xFF]) + pb[at + 1 :]
    try:
        variables = read_weights({"pb": bad}, "m").variables
        restored_actor_critic(model_of(5), variables)
    except DrError as error:
        assert "damaged" in error.message or "The checkpoint" in error.message
        return
    assert not is_cut or variables.keys() == read_constants(pb).keys()
