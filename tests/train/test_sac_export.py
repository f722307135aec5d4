"""What leaves with a model of SAC: the car's graph, TensorFlow's checkpoint, and what comes back from both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from car_programs import program
from coach_graphs import nodes_of
from model_specs import CAMERA, metadata, model_of
from protobuf import fields

from drcli.config.network_fit import misfits
from drcli.contract.stored_network import StoredNetwork
from drcli.models.carfile import doubts
from drcli.train.algorithms.sac import SAC
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.checkpoint_formats import read_weights
from drcli.train.exports.car_graph import CarGraph
from drcli.train.exports.tensorflow_checkpoint import TensorFlowCheckpoint
from drcli.train.soft_actor_critic import SoftActorCritic

SAC_METADATA = metadata(0, training_algorithm="sac")
AGENT = "main_level/agent"
POLICY = f"{AGENT}/policy/online/network_0"
INPUT, OUTPUT = f"{POLICY}/{CAMERA}/{CAMERA}", f"{POLICY}/sac_policy_head_0/policy"


@pytest.fixture(scope="module")
def network() -> SoftActorCritic:
    """Random, with a policy that depends much on the picture."""
    torch.manual_seed(7)
    network = SAC.network(model_of(0))
    with torch.no_grad():
        network.policy.dense.weight *= 50
    return network


@pytest.fixture(scope="module")
def files(network: SoftActorCritic) -> dict[str, bytes]:
    return TensorFlowCheckpoint.export(Checkpoint(to_tensors(network), {}, {}), SAC_METADATA)


def pictures(number: int = 12) -> np.ndarray:
    """Noise in large squares, uint8 [number, 120, 160]."""
    coarse = np.random.default_rng(1).integers(0, 255, (number, 6, 8), dtype=np.uint8)
    return coarse.repeat(20, 1).repeat(20, 2)


def greedy(network: SoftActorCritic, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        outputs = network.policy_outputs({CAMERA: torch.from_numpy(images)})
        return network.policy.distribution(outputs).greedy().numpy()


def test_names_of_all_variables(network: SoftActorCritic) -> None:
    """Scopes and layers as in the source of the community's engine; Q has no middleware."""
    layers = [f"{CAMERA}/Conv2d_{n}" for n in (0, 2, 4)]
    middleware = "middleware_fc_embedder/Dense_0"
    heads = {
        "policy": [
            middleware,
            *(f"sac_policy_head_0/{name}" for name in ("dense", "policy_mean", "dense_1")),
        ],
        "v": [middleware, "v_values_head_0/output"],
        "q": [
            f"q_values_head_0/q{n}_head/{name}"
            for n in (1, 2)
            for name in ("dense", "dense_1", f"q{n}_output")
        ],
    }
    expected = {
        f"{AGENT}/{name}/online/network_0/{layer}/{part}"
        for name, head in heads.items()
        for layer in (*layers, *head)
        for part in ("kernel", "bias")
    } | {f"{AGENT}/{name}/online/network_0/gradients_from_head_0-0_rescalers" for name in heads}
    tensors = to_tensors(network)
    assert set(tensors) == expected
    assert tensors[f"{POLICY}/sac_policy_head_0/policy_mean/kernel"].shape == (256, 2)
    assert tensors[f"{AGENT}/q/online/network_0/q_values_head_0/q1_head/dense/kernel"].shape == (11266, 256)


def test_the_car_gets_actions_between_minus_1_and_1(files: dict[str, bytes]) -> None:
    nodes = nodes_of(files["pb"])
    assert nodes[INPUT].op == "Placeholder"
    assert nodes[OUTPUT].op == "Tanh"
    assert list(nodes)[-1] == OUTPUT
    assert all(name.startswith(POLICY) for name in nodes)
    seen: set[str] = set()
    for name, node in nodes.items():
        assert set(node.inputs) <= seen, f"{name} comes before what it needs"
        seen.add(name)


def test_tflite_is_warned_about(files: dict[str, bytes]) -> None:
    [warning] = doubts(files["pb"])
    assert "TFLite" in warning
    assert doubts(b"main_level/agent/main/online/network_1/ppo_head_0/policy") == ()


def test_the_graph_of_a_checkpoint_has_its_variables(
    files: dict[str, bytes], network: SoftActorCritic
) -> None:
    nodes = nodes_of(dict(fields(files["meta"]))[2])
    assert {name for name, node in nodes.items() if node.op == "VariableV2"} == set(to_tensors(network))
    assert {
        f"{AGENT}/q/online/network_0/q_values_head_0/{n}_head/{n}_output/BiasAdd" for n in ("q1", "q2")
    } <= set(nodes)
    assert f"{AGENT}/v/online/network_0/v_values_head_0/output/BiasAdd" in nodes
    missing = {
        entry
        for node in nodes.values()
        for entry in node.inputs
        if entry.lstrip("^").partition(":")[0] not in nodes
    }
    assert missing == set()


def test_all_networks_come_back_from_a_checkpoint(files: dict[str, bytes], network: SoftActorCritic) -> None:
    parts = {part: content for part, content in files.items() if part == "index" or part.startswith("data")}
    again = SAC.network(model_of(0), read_weights(parts, "1_Step-1.ckpt").variables)
    expected = to_tensors(network)
    assert again.is_shared
    assert all(torch.equal(part, expected[name]) for name, part in to_tensors(again).items())


def test_the_policy_comes_back_from_a_frozen_graph(files: dict[str, bytes], network: SoftActorCritic) -> None:
    """Critics, and the spread of actions, start from scratch; the critics see what the policy sees."""
    torch.manual_seed(1)
    variables = read_weights({"pb": files["pb"]}, "model_1.pb").variables
    found = StoredNetwork.of({name: tuple(part.shape) for name, part in variables.items()})
    assert (found.training_algorithm, found.num_outputs, found.has_value) == ("sac", 2, False)
    assert list(misfits(found, SAC_METADATA)) == []
    again = SAC.network(model_of(0), variables)
    np.testing.assert_array_equal(greedy(again, pictures()), greedy(network, pictures()))
    assert again.is_shared
    assert all(part.isfinite().all() for part in to_tensors(again).values())


def test_a_car_export_needs_no_more_than_the_policy(files: dict[str, bytes]) -> None:
    stored = read_weights({"pb": files["pb"]}, "model_1.pb")
    assert CarGraph.export(stored, SAC_METADATA)["pb"] == files["pb"]


def openvino(file: Path) -> Any:
    ov = program("openvino")
    core = ov.Core()
    model = core.read_model(file)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled([images])[0]


def tensorflow(file: Path) -> Any:
    tf = program("tensorflow").compat.v1
    definition = tf.GraphDef.FromString(file.read_bytes())
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(definition, name="")

    def run(images: np.ndarray) -> np.ndarray:
        with tf.Session(graph=imported) as session:
            return session.run(f"{OUTPUT}:0", {f"{INPUT}:0": images})

    return run


@pytest.mark.parametrize("load", [openvino, tensorflow])
def test_actions_are_those_of_our_network(
    load: Any, files: dict[str, bytes], network: SoftActorCritic, tmp_path: Path
) -> None:
    (tmp_path / "model.pb").write_bytes(files["pb"])
    expected = greedy(network, pictures())
    assert np.ptp(expected, axis=0).max() > 0.3, "the images have to matter"
    got = load(tmp_path / "model.pb")(pictures()[..., np.newaxis].astype(np.float32))
    assert np.abs(got - expected).max() < 1e-5
