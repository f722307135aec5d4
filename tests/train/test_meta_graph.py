"""The graph of a checkpoint, `.meta`: part of coach's own, node for node. test_tensorflow_checkpoint.py runs it."""

from __future__ import annotations

import pytest
from coach_graphs import NETWORKS, coach_file, needs_graphs, nodes_of, of_both_graphs
from model_specs import model_of, new_network
from protobuf import constant, fields

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.actor_critic import ActorCritic, new_actor_critic
from drcli.train.checkpoint import to_tensors
from drcli.train.exports.meta_graph import meta_graph
from drcli.train.model import ModelSpec


def meta_of(num_actions: int) -> bytes:
    return meta_graph(new_network(num_actions), model_of(num_actions))


def variable_records(meta: bytes, collection: str) -> dict[str, bytes]:
    """The VariableDefs of a collection by name."""
    entries = (dict(fields(value)) for number, value in fields(meta) if number == 4)
    found = next(entry[2] for entry in entries if entry[1] == collection.encode())
    records = [value for _, value in fields(dict(fields(found))[2])]
    return {dict(fields(record))[1].decode().removesuffix(":0"): record for record in records}


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_every_node_is_that_of_the_coach_graph(graph: str, num_actions: int) -> None:
    meta = coach_file(graph, ".meta").read_bytes()
    theirs, ours = nodes_of(dict(fields(meta))[2]), nodes_of(dict(fields(meta_of(num_actions)))[2])
    assert set(ours) <= set(theirs)
    for name, node in ours.items():
        assert (node.op, node.inputs) == theirs[name][:2], name
        if node.op != "Const":
            assert node.meaning == theirs[name].meaning, name
        elif node.attrs["dtype"] == b"\x30\x07":  # strings
            assert node.attrs["value"] == theirs[name].attrs["value"], name
        elif not name.endswith("Initializer/Const"):  # coach's were drawn when it built the graph
            assert constant(node.attrs["value"]) == pytest.approx(constant(theirs[name].attrs["value"])), name


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_what_is_saved_and_how_is_as_in_the_coach_graph(graph: str, num_actions: int) -> None:
    theirs, ours = coach_file(graph, ".meta").read_bytes(), meta_of(num_actions)
    assert dict(fields(ours))[3] == dict(fields(theirs))[3]
    known, records = variable_records(theirs, "variables"), variable_records(ours, "variables")
    assert records.items() <= known.items()
    saved = nodes_of(dict(fields(theirs))[2])["save/SaveV2"].inputs[3:]
    assert set(records) == set(saved)


def test_the_variables_are_those_of_the_checkpoint() -> None:
    network = new_network()
    assert set(variable_records(meta_of(5), "trainable_variables")) == set(to_tensors(network))


def test_all_checkpoints_of_a_model_have_the_same() -> None:
    assert meta_of(5) == meta_of(5)
    network = ActorCritic(model_of(), is_shared=False)
    assert meta_graph(network, model_of()) == meta_of(5)


def test_the_value_may_see_more() -> None:
    plain = model_of()
    more = SensorSpec("more", (7,), plain.sensors[0].dtype)
    model = ModelSpec(plain.sensors, plain.architecture, plain.head, (more,))
    nodes = nodes_of(dict(fields(meta_graph(new_actor_critic(model), model)))[2])
    placeholders = [name for name, node in nodes.items() if node.op == "Placeholder"]
    scope, [camera] = f"{NETWORKS}/network_0", plain.sensors
    assert placeholders == [f"{scope}/{name}/{name}" for name in (camera.name, "more")]
