"""Checkpoints: names and shapes of the coach graph, and the same actions after a round trip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from model_specs import CAMERA, model_of, new_network
from protobuf import fields, varint

from drcli.errors import DrError
from drcli.train.actor_critic import ActorCritic, restored_actor_critic
from drcli.train.checkpoint import pack, to_tensors, unpack

GRAPHS = Path(__file__).parents[3] / "shared" / "graphs"


def index_entries(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a TensorFlow checkpoint index: a LevelDB block with shared key prefixes."""
    data, at, key = path.read_bytes(), 0, b""
    entries: dict[str, tuple[int, ...]] = {}
    while True:
        shared, after = varint(data, at)
        unshared, after = varint(data, after)
        size, after = varint(data, after)
        key = key[:shared] + data[after : after + unshared]
        if at and not key.startswith(b"main_level"):
            return entries  # the block ends with its table of restart points
        at = after + unshared + size
        if key:
            shape = next((v for n, v in fields(data[after + unshared : at]) if n == 2), b"")
            dims = [v for n, v in fields(shape) if n == 2]
            entries[key.decode()] = tuple(v for dim in dims for n, v in fields(dim) if n == 1)


@pytest.mark.shared
@pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
@pytest.mark.parametrize(
    ("graph", "num_actions", "num_variables"), [("ppo-discrete-9", 9, 22), ("ppo-continuous", 0, 23)]
)
def test_names_and_shapes_are_those_of_the_coach_graph(graph, num_actions, num_variables):
    [index] = (GRAPHS / graph).glob("*.index")
    expected = index_entries(index)
    tensors = to_tensors(ActorCritic(model_of(num_actions)))
    assert len(expected) == num_variables
    assert {name: tuple(t.shape) for name, t in tensors.items()} == expected


@pytest.mark.parametrize(
    ("is_shared", "num_actions"), [(True, 2), (False, 0), pytest.param(False, 2, marks=pytest.mark.slow)]
)
def test_round_trip_gives_the_same_outputs(is_shared, num_actions):
    torch.manual_seed(3)
    network = new_network(num_actions, is_shared)
    checkpoint = unpack(pack(to_tensors(network), {"iteration": 7}), "7_Step-1.ckpt")
    again = restored_actor_critic(model_of(num_actions), checkpoint.variables)
    assert checkpoint.counters == {"iteration": 7}
    assert checkpoint.state == {}
    assert again.is_shared == is_shared
    obs = np.random.default_rng(0).integers(0, 255, (4, 120, 160)).astype(np.uint8)
    seen = {CAMERA: torch.from_numpy(obs)}
    with torch.no_grad():
        for a, b in zip(network(seen), again(seen), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_trunks_that_differ_in_one_layer_stay_two():
    network = ActorCritic(model_of())
    variables = to_tensors(network)
    variables["main_level/agent/main/online/network_0/middleware_fc_embedder/Dense_0/bias"] += 1
    again = restored_actor_critic(model_of(), variables)
    assert not again.is_shared
    assert all(torch.equal(value, variables[name]) for name, value in to_tensors(again).items())


def test_a_shared_network_is_stored_as_two():
    tensors = to_tensors(ActorCritic(model_of()))
    name = f"main_level/agent/main/online/network_{{}}/{CAMERA}/Conv2d_0/kernel"
    assert torch.equal(tensors[name.format(0)], tensors[name.format(1)])
    assert tensors[name.format(0)].shape == (8, 8, 1, 32)


def test_what_an_algorithm_remembers_lies_beside_the_variables():
    variables = to_tensors(ActorCritic(model_of()))
    state = {"moments/0": torch.arange(3.0), "steps": torch.tensor(5)}
    checkpoint = unpack(pack(variables, {"iteration": 1}, state), "x")
    assert checkpoint.variables.keys() == variables.keys()
    assert checkpoint.state.keys() == state.keys()
    assert all(torch.equal(checkpoint.state[name], value) for name, value in state.items())
    assert pack(variables, {}, {}) == pack(variables, {})


def test_damaged_and_foreign_files_are_named():
    data = pack(to_tensors(ActorCritic(model_of())), {})
    with pytest.raises(DrError, match=r"3_Step-9\.ckpt is damaged"):
        unpack(data[:1000], "3_Step-9.ckpt")
    variables = unpack(data, "x").variables
    with pytest.raises(DrError, match=r"no variable .*network_0/FRONT_FACING_CAMERA/Conv2d_4/bias"):
        restored_actor_critic(
            model_of(), {k: v for k, v in variables.items() if not k.endswith("Conv2d_4/bias")}
        )
    with pytest.raises(DrError, match="no policy head"):
        restored_actor_critic(model_of(), {})
    with pytest.raises(DrError, match=r"has 5 discrete actions, model_metadata\.json 2 continuous actions"):
        restored_actor_critic(model_of(0), unpack(data, "x").variables)


def test_a_layer_of_another_size_is_named():
    variables = to_tensors(ActorCritic(model_of()))
    name = "main_level/agent/main/online/network_1/middleware_fc_embedder/Dense_0/bias"
    variables[name] = torch.zeros(7)
    with pytest.raises(DrError, match=r"Dense_0/bias has shape \(7,\), the network \(512,\)"):
        restored_actor_critic(model_of(), variables)
