"""The car's graph and the checkpoint of several sensors and all networks, in real TensorFlow and OpenVINO.

`test_car_graph.py` and `test_tensorflow_checkpoint.py` have one camera and the shallow network; the programs are the
dependency group `car`, without which these tests skip.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from car_programs import program
from coach_graphs import NETWORKS
from model_specs import metadata

from drcli.config.model_metadata import ModelMetadata
from drcli.tensorflow.tensor_bundle import shard_suffix
from drcli.train.actor_critic import ActorCritic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.tensorflow_checkpoint import TensorFlowCheckpoint
from drcli.train.layers import input_shape
from drcli.train.model import ModelSpec

POLICY = f"{NETWORKS}/network_1/ppo_head_0/policy"
VALUE = f"{NETWORKS}/network_0/v_values_head_0/output/BiasAdd"
SHALLOW, MEDIUM, DEEP = (f"DEEP_CONVOLUTIONAL_NETWORK{size}" for size in ("_SHALLOW", "", "_DEEP"))
TOLERANCE = 1e-5
Arrays = dict[str, np.ndarray]
Exported = tuple[ModelSpec, ActorCritic, Path]


@pytest.fixture(
    scope="module",
    params=[
        (SHALLOW, ("STEREO_CAMERAS", "LIDAR")),
        (DEEP, ("FRONT_FACING_CAMERA", "SECTOR_LIDAR")),
        (MEDIUM, ("observation", "DISCRETIZED_SECTOR_LIDAR")),
        pytest.param((MEDIUM, ("LEFT_CAMERA",)), marks=pytest.mark.slow),
        pytest.param((DEEP, ("STEREO_CAMERAS", "SECTOR_LIDAR")), marks=pytest.mark.slow),
    ],
    ids=[
        "shallow-stereo-lidar",
        "deep-front-sectors",
        "medium-observation",
        "medium-left",
        "deep-stereo-sectors",
    ],
)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A model, its network, and the folder of its files."""
    network_name, sensors = request.param
    described = metadata(5, neural_network=network_name, sensor=[*sensors])
    model, network = ModelSpec.of(described), opinionated(described)
    folder = tmp_path_factory.mktemp("model")
    files = TensorFlowCheckpoint.export(Checkpoint(to_tensors(network), {}, {}), described)
    for part, content in files.items():
        (folder / ("model.pb" if part == "pb" else f"1_Step-1.ckpt.{part}")).write_bytes(content)
    return model, network, folder


def opinionated(described: ModelMetadata) -> ActorCritic:
    """Random weights by He's rule, so that all layers matter, and a policy that is not sure of anything."""
    torch.manual_seed(7)
    network = ActorCritic(ModelSpec.of(described), is_shared=False)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, (2 / parameter[0].numel()) ** 0.5)
            else:
                parameter.normal_(0.0, 0.05)
            if name == "policy.dense.weight":
                parameter *= 2
    return network


def observations(model: ModelSpec, size: int = 3) -> Arrays:
    rng = np.random.default_rng(3)
    return {
        spec.name: (
            rng.integers(0, 255, (size, *spec.shape))
            if spec.dtype == np.uint8
            else rng.random((size, *spec.shape))
        ).astype(spec.dtype)
        for spec in model.sensors
    }


def ours(network: ActorCritic, seen: Arrays) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        policy, value = network({name: torch.from_numpy(part) for name, part in seen.items()})
    return policy.softmax(-1).numpy(), value.numpy()[:, np.newaxis]


def fed(model: ModelSpec, seen: Arrays) -> Arrays:
    """By the names of the graph's inputs: float32, a single image with one channel."""
    return {
        f"{NETWORKS}/network_0/{spec.name}/{spec.name}": seen[spec.name]
        .reshape(-1, *input_shape(spec))
        .astype(np.float32)
        for spec in model.sensors
    }


def assert_equal(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() < TOLERANCE * max(1.0, float(np.abs(expected).max()))
    assert np.ptp(expected, axis=0).max() > 0.01, "observations have to matter"


def test_tensorflow_imports_the_frozen_graph(exported: Exported) -> None:
    tf: Any = program("tensorflow").compat.v1
    model, network, folder = exported
    seen = observations(model)
    definition = tf.GraphDef.FromString((folder / "model.pb").read_bytes())
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(definition, name="")
        placeholders = [node.name for node in definition.node if node.op == "Placeholder"]
        assert placeholders == [*fed(model, seen)], "sorted by name, and nothing else to feed"
        with tf.Session(graph=imported) as session:
            got = session.run(f"{POLICY}:0", {f"{name}:0": part for name, part in fed(model, seen).items()})
    assert_equal(got, ours(network, seen)[0])


def test_tensorflow_restores_the_checkpoint(exported: Exported) -> None:
    tf: Any = program("tensorflow").compat.v1
    model, network, folder = exported
    seen, path = observations(model), folder / "1_Step-1.ckpt"
    assert path.with_name(f"{path.name}.{shard_suffix()}").is_file()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(f"{path}.meta").restore(session, str(path))
        feed = {f"{name}:0": part for name, part in fed(model, seen).items()}
        policy, value = session.run((f"{POLICY}:0", f"{VALUE}:0"), feed)
    expected = ours(network, seen)
    assert_equal(policy, expected[0])
    assert_equal(value, expected[1])


def test_openvino_reads_the_frozen_graph(exported: Exported) -> None:
    ov: Any = program("openvino")
    model, network, folder = exported
    seen, core = observations(model), ov.Core()
    read = core.read_model(folder / "model.pb")
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    taken = {name.removesuffix(":0"): each for each in compiled.inputs for name in each.names}
    got = compiled({taken[name]: part for name, part in fed(model, seen).items()})[0]
    assert_equal(got, ours(network, seen)[0])
