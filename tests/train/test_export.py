"""The graph for the car: node for node coach's, and the same actions in TensorFlow, TFLite and OpenVINO.

TensorFlow and OpenVINO are the dependency group `car`; without them the tests that need them skip.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from drcli.config.model_metadata import ModelMetadata
from drcli.errors import DrError, UsageError
from drcli.sim.catalogue import load_track
from drcli.sim.race import RaceConfig
from drcli.sim.world import World
from drcli.train import export
from drcli.train.checkpoint import pack, to_tensors
from drcli.train.export import frozen_graph
from drcli.train.network import ActorCritic, PolicySpec

GRAPHS = Path(__file__).parents[3] / "shared" / "graphs"
SENSOR = "FRONT_FACING_CAMERA"
POLICY = "main_level/agent/main/online/network_1"
INPUT = f"main_level/agent/main/online/network_0/{SENSOR}/{SENSOR}"
OUTPUT = f"{POLICY}/ppo_head_0/policy"
SPECS = [PolicySpec(5), PolicySpec(21), PolicySpec(2, is_continuous=True)]
TOLERANCE = 1e-5
of_all_heads = pytest.mark.parametrize(
    "spec", SPECS, ids=lambda spec: f"{'continuous' if spec.is_continuous else 'discrete'}-{spec.num_outputs}"
)
needs_graphs = pytest.mark.skipif(not GRAPHS.is_dir(), reason="reference graphs are not on this machine")
of_both_graphs = pytest.mark.parametrize(
    ("graph", "spec"),
    [("ppo-discrete-9", PolicySpec(9)), ("ppo-continuous", PolicySpec(2, is_continuous=True))],
)

Images = np.ndarray[Any, np.dtype[np.float32]]
Runner = Callable[[Images], Images]


def metadata(spec: PolicySpec, **other: Any) -> ModelMetadata:
    actions = [{"steering_angle": n - 10, "speed": 1.0, "index": n} for n in range(spec.num_outputs)]
    bounds = {"steering_angle": {"low": -30, "high": 30}, "speed": {"low": 0.5, "high": 3}}
    document = {
        "action_space": bounds if spec.is_continuous else actions,
        "action_space_type": "continuous" if spec.is_continuous else "discrete",
        "sensor": [SENSOR],
        "version": "5",
    }
    return ModelMetadata.parse(json.dumps(document | other), "model_metadata.json")


@cache
def opinionated(spec: PolicySpec) -> ActorCritic:
    """A network whose actions depend much on the image, with no two parameters alike."""
    torch.manual_seed(7)
    network = ActorCritic(spec, is_shared=False)
    with torch.no_grad():
        network.policy.weight *= 50 if spec.is_continuous else 300
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter += 0.05 * torch.randn_like(parameter)
    return network


def exported(network: ActorCritic, camera: str = SENSOR, **other: Any) -> bytes:
    checkpoint = pack(to_tensors(network, camera), {})
    return frozen_graph(checkpoint, metadata(network.spec, sensor=[camera], **other))


# ---------------------------------------------------------------------------------------------- what is in the file


class Node(NamedTuple):
    op: str
    inputs: tuple[str, ...]
    attrs: dict[str, bytes]


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a protocol buffer: varints, and everything else as bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        else:
            size, at = {5: (4, at), 1: (8, at)}.get(tag & 7) or varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size


def nodes_of(graph: bytes) -> dict[str, Node]:
    """A GraphDef's nodes by name, in their order."""
    nodes = {}
    for node in (list(fields(value)) for number, value in fields(graph) if number == 1):
        name, op = (next(v for n, v in node if n == wanted).decode() for wanted in (1, 2))
        pairs = [dict(fields(v)) for n, v in node if n == 5]
        inputs = tuple(v.decode() for n, v in node if n == 3)
        nodes[name] = Node(op, inputs, {pair[1].decode(): pair[2] for pair in pairs})
    return nodes


def constant(attr: bytes) -> Images:
    """A TensorProto, as numbers of one type or as raw content."""
    parts = dict(fields(dict(fields(attr))[8]))
    dtype = {1: np.dtype("<f4"), 3: np.dtype("<i4")}[parts[1]]
    content = parts.get(4, parts.get(5))
    if content is None:
        numbers, at, data = [], 0, parts[7]
        while at < len(data):
            value, at = varint(data, at)
            numbers.append(value - 2**64 if value >= 2**63 else value)
        content = np.array(numbers, dtype).tobytes()
    return np.frombuffer(content, dtype).reshape(shape_in(parts[2]))


def shape_in(shape: bytes) -> tuple[int, ...]:
    """TensorShapeProto; -1 is any size."""
    sizes = [dict(fields(dim))[1] for _, dim in fields(shape)]
    return tuple(size - 2**64 if size >= 2**63 else size for size in sizes)


@of_all_heads
def test_the_graph_is_complete_in_itself(spec: PolicySpec) -> None:
    nodes = nodes_of(exported(opinionated(spec)))
    seen: set[str] = set()
    for name, node in nodes.items():
        assert set(node.inputs) <= seen, f"{name} comes before what it needs"
        seen.add(name)
    assert [*nodes][:: len(nodes) - 1] == [INPUT, OUTPUT]
    assert not [name for name, node in nodes.items() if node.op.startswith("Variable")]
    placeholder = nodes[INPUT].attrs
    assert shape_in(dict(fields(placeholder["shape"]))[7]) == (-1, 120, 160, 1)
    assert nodes[OUTPUT].op == ("Identity" if spec.is_continuous else "Softmax")


def test_constants_are_the_weights_of_the_policy() -> None:
    network = opinionated(PolicySpec(5))
    nodes = nodes_of(exported(network))
    for name, tensor in to_tensors(network, SENSOR).items():
        if name.startswith(POLICY):
            np.testing.assert_array_equal(constant(nodes[name].attrs["value"]), tensor.numpy())
        else:
            assert name not in nodes, "the value network stays at home"


def test_the_old_camera_has_its_old_name() -> None:
    network = opinionated(PolicySpec(5))
    graph = exported(network, "observation", version="1")
    assert "main_level/agent/main/online/network_0/observation/observation" in nodes_of(graph)


def test_the_same_weights_give_the_same_bytes() -> None:
    network = opinionated(PolicySpec(5))
    assert exported(network) == exported(network)


WHERE_IT_STANDS = {
    "_output_shapes",
    "_class",
    "container",
    "shared_name",
}  # of a graph that is built, not frozen


def frozen(nodes: dict[str, Node]) -> dict[str, Node]:
    """What the output of a coach graph needs, with constants for variables; their values are left out."""
    found: dict[str, Node] = {}
    wanted = [OUTPUT]
    while wanted:
        name = wanted.pop()
        op, inputs, attrs = nodes[name]
        wanted += inputs
        attrs = {key: value for key, value in attrs.items() if key not in WHERE_IT_STANDS}
        if op == "VariableV2":
            op, attrs = "Const", {"dtype": attrs["dtype"], "shape": attrs["shape"]}
        found[name] = Node(op, inputs, attrs)
    return found


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_every_node_is_that_of_the_coach_graph(graph: str, spec: PolicySpec) -> None:
    [meta] = (GRAPHS / graph).glob("*.meta")
    theirs = frozen(nodes_of(next(v for n, v in fields(meta.read_bytes()) if n == 2)))
    document = json.loads((GRAPHS / graph / "model_metadata.json").read_text())
    read = ModelMetadata.parse(json.dumps(document), "model_metadata.json")
    ours = nodes_of(frozen_graph(pack(to_tensors(opinionated(spec), SENSOR), {}), read))
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
    checkpoint = pack(to_tensors(opinionated(PolicySpec(5)), SENSOR), {})
    with pytest.raises(DrError, match=r"has 5 discrete actions, .* 21 discrete"):
        frozen_graph(checkpoint, metadata(PolicySpec(21)))
    with pytest.raises(DrError, match=r"has 5 discrete actions, .* 2 continuous"):
        frozen_graph(checkpoint, metadata(PolicySpec(2, is_continuous=True)))
    with pytest.raises(DrError, match=r"no variable .*observation"):
        frozen_graph(checkpoint, metadata(PolicySpec(5), sensor=["observation"]))


def test_a_damaged_checkpoint_is_refused() -> None:
    checkpoint = pack(to_tensors(opinionated(PolicySpec(5)), SENSOR), {})
    with pytest.raises(DrError, match="damaged"):
        frozen_graph(checkpoint[:-7], metadata(PolicySpec(5)))


@pytest.mark.parametrize(
    "other", [{"sensor": ["STEREO_CAMERAS"]}, {"neural_network": "DEEP_CONVOLUTIONAL_NETWORK"}]
)
def test_what_this_engine_does_not_train_is_refused(other: dict[str, Any]) -> None:
    checkpoint = pack(to_tensors(opinionated(PolicySpec(5)), SENSOR), {})
    with pytest.raises(UsageError, match="cannot do"):
        frozen_graph(checkpoint, metadata(PolicySpec(5), **other))


# ------------------------------------------------------------------------------------------- what programs make of it


@pytest.fixture(scope="module")
def frames() -> Images:
    """What twelve cars around the harbour see while they drive out of their lane: float32 [B, 120, 160, 1]."""
    world = World(load_track("drcli_harbour", None, ""), RaceConfig(round_robin_advance_dist=1 / 12), 12)
    seen = [world.reset().copy()]
    for _ in range(2):
        for _ in range(6):
            step = world.step(np.linspace(-25, 25, 12), np.full(12, 1.5), [0] * 12)
        seen.append(step.obs.copy())
    images = np.unique(np.concatenate(seen), axis=0)
    assert len(images) > 30
    return images[..., np.newaxis].astype(np.float32)


def program(name: str) -> Any:
    """A module of the group `car`; its own warnings are its makers' concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            pytest.skip(f"{name} is not installed (dependency group car)")


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
        outputs, _ = network(torch.from_numpy(frames[..., 0].astype(np.uint8)))
        return (outputs if network.spec.is_continuous else outputs.softmax(-1)).numpy()


@of_all_heads
@pytest.mark.parametrize("load", [tensorflow, openvino, tflite])
def test_actions_are_those_of_our_network(
    load: Callable[[Path], Runner],
    spec: PolicySpec,
    frames: Images,
    tmp_path: Path,
    record_property: Callable[..., None],
) -> None:
    network = opinionated(spec)
    expected = acts(network, frames)
    assert np.ptp(expected, axis=0).max() > 0.3, "the images have to matter"
    file = tmp_path / "model.pb"
    file.write_bytes(exported(network))
    got = load(file)(frames)
    assert got.shape == (len(frames), spec.num_outputs)
    difference = float(np.abs(got - expected).max())
    record_property("difference", difference)
    assert difference < TOLERANCE


@pytest.mark.shared
@needs_graphs
@of_both_graphs
def test_the_coach_graph_with_our_weights_acts_as_our_network(
    graph: str, spec: PolicySpec, frames: Images
) -> None:
    tf = program("tensorflow").compat.v1
    [meta] = (GRAPHS / graph).glob("*.meta")
    network = opinionated(spec)
    with tf.Graph().as_default() as coach, tf.Session(graph=coach) as session:
        tf.train.import_meta_graph(str(meta), clear_devices=True)
        for name, value in to_tensors(network, SENSOR).items():
            session.run(
                f"{name}/Assign", {coach.get_operation_by_name(f"{name}/Assign").inputs[1]: value.numpy()}
            )
        got = session.run(f"{OUTPUT}:0", {f"{INPUT}:0": frames})
    assert np.abs(got - acts(network, frames)).max() < TOLERANCE


def test_names_are_told() -> None:
    assert (export.input_name(SENSOR), export.output_name()) == (INPUT, OUTPUT)
