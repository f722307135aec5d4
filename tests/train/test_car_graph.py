"""The graph for the car: node for node coach's, and the same actions in TensorFlow, TFLite and OpenVINO.

TensorFlow and OpenVINO are the dependency group `car`; without them the tests that need them skip.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from car_programs import is_installed, program
from coach_graphs import (
    CONTINUOUS,
    GRAPHS,
    NETWORKS,
    Node,
    coach_file,
    needs_graphs,
    nodes_of,
    of_both_graphs,
)
from model_specs import CAMERA, metadata, opinionated
from protobuf import constant, fields, shape_in

from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.errors import DrError, UsageError
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.tables import SENSORS
from drcli.train.actor_critic import ActorCritic
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import CarGraph

POLICY = f"{NETWORKS}/network_1"
INPUT = f"{NETWORKS}/network_0/{CAMERA}/{CAMERA}"
OUTPUT = f"{POLICY}/ppo_head_0/policy"
TOLERANCE = 1e-5
of_all_heads = pytest.mark.parametrize(
    "num_actions",
    [5, pytest.param(21, marks=pytest.mark.slow), CONTINUOUS],
    ids=["discrete-5", "discrete-21", "continuous-2"],
)

Images = np.ndarray[Any, np.dtype[np.float32]]
Runner = Callable[[Images], Images]


def checkpoint_of(network: ActorCritic) -> Checkpoint:
    return Checkpoint(to_tensors(network), {}, {})


def exported(num_actions: int) -> bytes:
    return CarGraph.export(checkpoint_of(opinionated(num_actions)), metadata(num_actions))["pb"]


# ---------------------------------------------------------------------------------------------- what is in the file


@of_all_heads
def test_the_graph_is_complete_in_itself(num_actions: int) -> None:
    nodes = nodes_of(exported(num_actions))
    seen: set[str] = set()
    for name, node in nodes.items():
        assert set(node.inputs) <= seen, f"{name} comes before what it needs"
        seen.add(name)
    assert [*nodes][:: len(nodes) - 1] == [INPUT, OUTPUT]
    assert not [name for name, node in nodes.items() if node.op.startswith("Variable")]
    placeholder = nodes[INPUT].attrs
    assert shape_in(dict(fields(placeholder["shape"]))[7]) == (-1, 120, 160, 1)
    assert nodes[OUTPUT].op == ("Softmax" if num_actions else "Identity")


def test_constants_are_the_weights_of_the_policy() -> None:
    nodes = nodes_of(exported(5))
    for name, tensor in to_tensors(opinionated(5)).items():
        if name.startswith(POLICY):
            np.testing.assert_array_equal(constant(nodes[name].attrs["value"]), tensor.numpy())
        else:
            assert name not in nodes, "the value network stays at home"


def test_the_old_camera_has_its_old_name() -> None:
    """Also where the weights call it by its new one: both see the same picture."""
    graph = CarGraph.export(checkpoint_of(opinionated(5)), metadata(version="1"))["pb"]
    assert "main_level/agent/main/online/network_0/observation/observation" in nodes_of(graph)


def test_the_same_weights_give_the_same_bytes() -> None:
    assert exported(5) == exported(5)


def frozen(nodes: dict[str, Node]) -> dict[str, Node]:
    """What the output of a coach graph needs, with constants for variables; their values are left out."""
    found: dict[str, Node] = {}
    wanted = [OUTPUT]
    while wanted:
        name = wanted.pop()
        op, inputs, _ = nodes[name]
        wanted += inputs
        attrs = nodes[name].meaning
        if op == "VariableV2":
            op, attrs = "Const", {"dtype": attrs["dtype"], "shape": attrs["shape"]}
        found[name] = Node(op, inputs, attrs)
    return found


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_every_node_is_that_of_the_coach_graph(graph: str, num_actions: int) -> None:
    meta = coach_file(graph, ".meta").read_bytes()
    theirs = frozen(nodes_of(dict(fields(meta))[2]))
    document = json.loads((GRAPHS / graph / "model_metadata.json").read_text())
    read = ModelMetadata.parse(json.dumps(document), "model_metadata.json")
    ours = nodes_of(CarGraph.export(checkpoint_of(opinionated(num_actions)), read)["pb"])
    assert len(theirs) == 62
    assert set(ours) == set(theirs)
    for name, (op, inputs, attrs) in theirs.items():
        node = ours[name]
        assert (node.op, node.inputs) == (op, inputs), name
        if op != "Const":
            assert node.attrs == attrs, name
        elif "shape" in attrs:  # a variable
            assert constant(node.attrs["value"]).shape == shape_in(dict(fields(attrs["shape"]))[7]), name
        else:
            np.testing.assert_array_equal(constant(node.attrs["value"]), constant(attrs["value"]), name)
        assert node.attrs.get("dtype") == attrs.get("dtype"), name


# ------------------------------------------------------------------------------------------------- what is refused


def test_metadata_of_another_model_is_refused() -> None:
    checkpoint = checkpoint_of(opinionated(5))
    with pytest.raises(DrError, match=r"has 5 discrete actions, .* 21 discrete"):
        CarGraph.export(checkpoint, metadata(21))
    with pytest.raises(DrError, match=r"has 5 discrete actions, .* 2 continuous"):
        CarGraph.export(checkpoint, metadata(CONTINUOUS))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"sensor": ["STEREO_CAMERAS"]}, "has no variable .*STEREO_CAMERAS"),
        ({"sensor": [CAMERA, "LIDAR"]}, "has no variable .*LIDAR"),
        ({"neural_network": "DEEP_CONVOLUTIONAL_NETWORK_DEEP"}, "has shape"),
    ],
)
def test_metadata_of_other_sensors_or_another_network_are_refused(other: dict[str, Any], said: str) -> None:
    with pytest.raises(DrError, match=said):
        CarGraph.export(checkpoint_of(opinionated(5)), metadata(**other))


def test_what_this_engine_does_not_train_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stereo = metadata(sensor=["STEREO_CAMERAS"])
    monkeypatch.delitem(SENSORS.members, "STEREO_CAMERAS")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="does not support"):
        CarGraph.export(checkpoint_of(opinionated(5)), stereo)


# ------------------------------------------------------------------------------------------- what programs make of it


@pytest.fixture(scope="module")
def frames() -> Images:
    """What twelve cars around the harbour see while they drive out of their lane: float32 [B, 120, 160, 1]."""
    if not any(map(is_installed, ("tensorflow", "openvino"))):
        pytest.skip("neither tensorflow nor openvino is installed (dependency group car)")
    world = World(load_track("drcli_harbour", None, ""), RaceSettings(round_robin_advance_dist=1 / 12), 12)
    seen = [world.reset()[CAMERA]]
    for _ in range(2):
        for _ in range(6):
            step = world.step(np.stack((np.linspace(-25, 25, 12), np.full(12, 1.5)), axis=1))
        seen.append(step.obs[CAMERA])
    images = np.unique(np.concatenate(seen), axis=0)
    assert len(images) > 30
    return images[..., np.newaxis].astype(np.float32)


def tensorflow(file: Path) -> Runner:
    tf = program("tensorflow").compat.v1
    definition = tf.GraphDef.FromString(file.read_bytes())
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(definition, name="")
    assert imported.get_tensor_by_name(f"{INPUT}:0").shape.as_list() == [None, 120, 160, 1]

    def run(images: Images) -> Images:
        with tf.Session(graph=imported) as session:
            return session.run(f"{OUTPUT}:0", {f"{INPUT}:0": images})

    return run


def openvino(file: Path) -> Runner:
    ov = program("openvino")
    core = ov.Core()
    model = core.read_model(file)
    [taken], [given] = model.inputs, model.outputs
    assert INPUT in {name.removesuffix(":0") for name in taken.names}
    assert OUTPUT in {name.removesuffix(":0") for name in given.names}
    assert taken.partial_shape == ov.PartialShape([-1, 120, 160, 1])
    assert taken.element_type == given.element_type == ov.Type.f32
    # Some processors would count in bfloat16.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled([images])[0]


def tflite(file: Path) -> Runner:
    """As the community's software for the car converts it: one image at a time."""
    tf = program("tensorflow")
    definition = tf.compat.v1.GraphDef.FromString(file.read_bytes())
    with tf.compat.v1.Graph().as_default() as imported, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf.import_graph_def(definition, name="")
        ends = [[imported.get_tensor_by_name(f"{name}:0")] for name in (INPUT, OUTPUT)]
        ends[0][0].set_shape([1, 120, 160, 1])
        with tf.compat.v1.Session(graph=imported) as session:
            converted = tf.compat.v1.lite.TFLiteConverter.from_session(session, *ends).convert()
        interpreter = tf.lite.Interpreter(model_content=converted)
    interpreter.allocate_tensors()
    [taken], [given] = interpreter.get_input_details(), interpreter.get_output_details()
    assert taken["shape"].tolist() == [1, 120, 160, 1]

    def run(images: Images) -> Images:
        out = []
        for image in images:
            interpreter.set_tensor(taken["index"], image[np.newaxis])
            interpreter.invoke()
            out.append(interpreter.get_tensor(given["index"])[0])
        return np.array(out)

    return run


def acts(network: ActorCritic, frames: Images) -> Images:
    """Probabilities of discrete actions, means of continuous ones, in float32."""
    with torch.inference_mode():
        outputs, _ = network({CAMERA: torch.from_numpy(frames[..., 0].astype(np.uint8))})
        return (outputs.softmax(-1) if network.policy.head.kind == "discrete" else outputs).numpy()


@of_all_heads
@pytest.mark.parametrize("load", [tensorflow, openvino, tflite])
def test_actions_are_those_of_our_network(
    load: Callable[[Path], Runner],
    num_actions: int,
    frames: Images,
    tmp_path: Path,
    record_property: Callable[..., None],
) -> None:
    expected = acts(opinionated(num_actions), frames)
    assert np.ptp(expected, axis=0).max() > 0.3, "the images have to matter"
    file = tmp_path / "model.pb"
    file.write_bytes(exported(num_actions))
    got = load(file)(frames)
    assert got.shape == (len(frames), num_actions or 2)
    difference = float(np.abs(got - expected).max())
    record_property("difference", difference)
    assert difference < TOLERANCE
