"""One table of layers: the network, its variables and the car's graph compute the same, whatever is in the table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from model_specs import CAMERA, model_of
from protobuf import constant, fields

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.actor_critic import new_actor_critic, restored_actor_critic
from drcli.train.architectures.deep_convolutional import DEEP as DEEPEST
from drcli.train.architectures.deep_convolutional import MEDIUM, SHALLOW
from drcli.train.checkpoint import to_tensors
from drcli.train.exports.car_graph import policy_graph
from drcli.train.layers import Architecture, Conv2d, Dense
from drcli.train.model import ModelSpec
from drcli.train.network import WIDE, initialise

EYE = SensorSpec("eye", (12, 16), np.dtype(np.uint8))
EYES = SensorSpec("eyes", (12, 16, 2), np.dtype(np.uint8))
NOSE = SensorSpec("nose", (8,), np.dtype(np.float32))
LIDAR = SensorSpec("LIDAR", (64,), np.dtype(np.float32))
FLAT = Architecture(lambda sensor: (), middleware=(Dense(7),))
DEEP = Architecture(
    lambda sensor: (Conv2d(4, 3, 2), Dense(5), Dense(6)) if len(sensor.shape) > 1 else (Dense(9),),
    middleware=(Dense(8), Dense(7)),
)
TABLES = [
    ("one dense layer", FLAT, (NOSE,)),
    ("dense layers on maps", DEEP, (EYE,)),
    ("two channels", DEEP, (EYES,)),
    ("several sensors", DEEP, (EYE, EYES, NOSE)),
    ("the network of the community", SHALLOW, (SensorSpec(CAMERA, (120, 160), np.dtype(np.uint8)),)),
    ("with numbers beside the image", SHALLOW, (NOSE, SensorSpec("x", (120, 160), np.dtype(np.uint8)))),
    ("the medium one", MEDIUM, (SensorSpec(CAMERA, (36, 48), np.dtype(np.uint8)),)),
    ("the deep one and a lidar", DEEPEST, (SensorSpec(CAMERA, (76, 92), np.dtype(np.uint8)), LIDAR)),
    ("two eyes and a lidar", MEDIUM, (LIDAR, SensorSpec("STEREO_CAMERAS", (36, 48, 2), np.dtype(np.uint8)))),
]
of_all_tables = pytest.mark.parametrize(
    ("architecture", "sensors"), [row[1:] for row in TABLES], ids=[row[0].replace(" ", "-") for row in TABLES]
)


def model(architecture: Architecture, sensors: tuple[SensorSpec, ...], num_actions: int = 3) -> ModelSpec:
    return ModelSpec(sensors, architecture, model_of(num_actions).head)


def observations(sensors: tuple[SensorSpec, ...], size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: (
            rng.integers(0, 255, (size, *shape)) if dtype.kind == "u" else rng.random((size, *shape))
        ).astype(dtype)
        for name, shape, dtype, _ in sensors
    }


@of_all_tables
@pytest.mark.parametrize("num_actions", [3, pytest.param(0, marks=pytest.mark.slow)])
def test_the_graph_computes_what_the_network_does(
    architecture: Architecture, sensors: tuple[SensorSpec, ...], num_actions: int
) -> None:
    torch.manual_seed(2)
    spec = model(architecture, sensors, num_actions)
    network = new_actor_critic(spec)
    with torch.no_grad():
        network.policy.dense.weight *= 30
    seen = observations(sensors, 5)
    with torch.inference_mode():
        outputs, _ = network({name: torch.from_numpy(part) for name, part in seen.items()})
    expected = (outputs.softmax(-1) if num_actions else outputs).numpy()
    values = {name: value.numpy() for name, value in to_tensors(network).items()}
    got = run_graph(policy_graph(network, spec, values), seen)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3, "observations have to matter"


@of_all_tables
def test_a_checkpoint_of_any_table_is_the_same_network(
    architecture: Architecture, sensors: tuple[SensorSpec, ...]
) -> None:
    spec = model(architecture, sensors)
    variables = to_tensors(new_actor_critic(spec))
    again = restored_actor_critic(spec, variables)
    assert again.is_shared
    assert all(torch.equal(value, variables[name]) for name, value in to_tensors(again).items())


def test_variables_are_counted_as_coach_does() -> None:
    names = [name for name, _ in new_actor_critic(model(DEEP, (EYE, NOSE))).policy_trunk.variables()]
    assert [name.removesuffix("/kernel") for name in names if name.endswith("kernel")] == [
        "eye/Conv2d_0", "eye/Dense_2", "eye/Dense_4", "nose/Dense_0",
        "middleware_fc_embedder/Dense_0", "middleware_fc_embedder/Dense_2",
    ]  # fmt: skip


@pytest.mark.parametrize("num_inputs", [900, WIDE + 1])
def test_layers_start_with_orthogonal_rows(num_inputs: int) -> None:
    """Exactly, or nearly if they are so long that it makes no difference."""
    torch.manual_seed(1)
    layer = torch.nn.Linear(num_inputs, 20)
    initialise(layer, gain=2**0.5)
    products = layer.weight @ layer.weight.T
    tolerance = 1e-4 if num_inputs <= WIDE else 0.1
    torch.testing.assert_close(products.detach(), 2 * torch.eye(20), rtol=0, atol=tolerance)
    assert not layer.bias.any()


def test_sensors_are_joined_in_the_order_of_their_names() -> None:
    assert [sensor.name for sensor in model_of().sensors] == [CAMERA]
    spec = model(FLAT, (NOSE,))
    assert spec.architecture.num_embedded(spec.sensors) == 8


# -------------------------------------------------------------------------------- what a graph computes


def convolved(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    return np.einsum("bhwcij,ijcf->bhwf", windows[:, ::stride, ::stride], kernel, optimize=True)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


OPERATIONS: dict[str, Callable[..., np.ndarray]] = {
    "Identity": lambda x: x,
    "StopGradient": lambda x: x,
    "RealDiv": np.divide,
    "Sub": np.subtract,
    "Add": np.add,
    "Mul": np.multiply,
    "BiasAdd": np.add,
    "MatMul": np.matmul,
    "Relu": lambda x: np.maximum(x, 0),
    "Softmax": softmax,
    "Shape": lambda x: np.array(x.shape, np.int32),
    "Pack": lambda *parts: np.stack(parts),
    "ConcatV2": lambda *parts: np.concatenate(parts[:-1], axis=int(parts[-1])),
    "Reshape": lambda x, shape: x.reshape(shape),
    "StridedSlice": lambda x, begin, end, step: x[int(begin[0])],
}


def run_graph(graph: bytes, seen: dict[str, np.ndarray]) -> np.ndarray:
    """The value of the last node of a GraphDef, by TensorFlow's definition of its operations."""
    values: dict[str, np.ndarray] = {}
    for node in (list(fields(value)) for number, value in fields(graph) if number == 1):
        name, op = (next(v for n, v in node if n == wanted).decode() for wanted in (1, 2))
        inputs = [values[v.decode()] for n, v in node if n == 3]
        attrs = {pair[1].decode(): pair[2] for pair in (dict(fields(v)) for n, v in node if n == 5)}
        if op == "Placeholder":
            part = seen[name.rpartition("/")[2]].astype(np.float32)
            values[name] = part[..., np.newaxis] if part.ndim == 3 else part
        elif op == "Const":
            values[name] = constant(attrs["value"])
        elif op == "Conv2D":
            strides = list(dict(fields(dict(fields(attrs["strides"]))[1]))[3])
            values[name] = convolved(*inputs, strides[1])
        else:
            values[name] = OPERATIONS[op](*inputs)
    return values[name]
