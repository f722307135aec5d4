"""A checkpoint as the frozen TensorFlow graph that a car takes: `model.pb`, the policy alone, variables as constants.

Node for node what freezing the original coach graph gives, names included, because the converters on the cars
(OpenVINO's model optimizer, TFLite's) go by them. docs/car.md describes the graph. The names of variables are those
of `drcli.train.checkpoint`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.errors import DrError
from drcli.train.checkpoint import from_tensors, to_tensors, unpack
from drcli.train.graph_def import Array, Attr, Node, graph_def
from drcli.train.network import IMAGE_HEIGHT, IMAGE_WIDTH, PolicySpec

_ROOT = "main_level/agent/main/online"
_POLICY = f"{_ROOT}/network_1"
_OUTPUT = "ppo_head_0/policy"
_RESCALER = "gradients_from_head_0-0_rescalers"
_CONVOLUTIONS = ((0, 4), (2, 2), (4, 1))  # number in the embedder, stride


def input_name(sensor: str) -> str:
    """The node that takes images: float32 [B, 120, 160, 1], grey, 0 to 255. coach has it in the value network."""
    return f"{_ROOT}/network_0/{sensor}/{sensor}"


def output_name() -> str:
    """The node with the probabilities of discrete actions, or the means of continuous ones: float32 [B, actions]."""
    return f"{_POLICY}/{_OUTPUT}"


def frozen_graph(checkpoint: bytes, metadata: ModelMetadata) -> bytes:
    """The `.pb` of a `.ckpt.safetensors` file's content; the same bytes for the same weights.

    Raises:
        UsageError: metadata describes a model that this engine does not train.
        DrError: the checkpoint is damaged, or is not of such a model.
    """
    sensor = check_supported(metadata)
    tensors, _ = unpack(checkpoint, "of the model")
    network = from_tensors(tensors, sensor)  # refuses missing variables and other shapes
    _check_actions(network.spec, metadata)
    return graph_def(_PolicyGraph(to_tensors(network, sensor)).build(sensor, network.spec.is_continuous))


def _check_actions(spec: PolicySpec, metadata: ModelMetadata) -> None:
    wanted = PolicySpec(len(metadata.discrete)) if metadata.discrete else PolicySpec(2, is_continuous=True)
    if spec != wanted:
        raise DrError(
            f"The checkpoint has {_in_words(spec)}, model_metadata.json {_in_words(wanted)}.",
            "Use the model_metadata.json the model was trained with.",
        )


def _in_words(spec: PolicySpec) -> str:
    return f"{spec.num_outputs} {'continuous' if spec.is_continuous else 'discrete'} actions"


class _PolicyGraph:
    """Nodes of `network_1`, in the order they are computed. Methods add nodes and return the last one's name."""

    def __init__(self, variables: Mapping[str, Tensor]) -> None:
        self._variables = variables
        self._nodes: list[Node] = []

    def build(self, sensor: str, is_continuous: bool) -> list[Node]:
        """From the placeholder to the policy."""
        image_shape = Attr.shape(-1, IMAGE_HEIGHT, IMAGE_WIDTH, 1)
        images = Node(input_name(sensor), "Placeholder", (), {"dtype": Attr.FLOAT, "shape": image_shape})
        self._nodes.append(images)
        x = self._scaled(sensor, images.name)
        for number, stride in _CONVOLUTIONS:
            x = self._convolution(f"{sensor}/Conv2d_{number}", stride, x)
            x = self._float(f"{sensor}/BatchnormActivationDropout_{number + 1}_activation", "Relu", x)
        x = self._flat(f"{sensor}/Flatten/flatten", x)
        x = self._dense("middleware_fc_embedder/Dense_0", x)
        x = self._float("middleware_fc_embedder/BatchnormActivationDropout_1_activation", "Relu", x)
        x = self._rescaled(x)
        x = self._dense(f"{_OUTPUT}_{'mean' if is_continuous else 'fc'}", x)
        self._float(_OUTPUT, "Identity" if is_continuous else "Softmax", x)
        return self._nodes

    def _add(self, name: str, op: str, inputs: tuple[str, ...] = (), **attrs: bytes) -> str:
        node = Node(f"{_POLICY}/{name}", op, inputs, attrs)
        self._nodes.append(node)
        return node.name

    def _float(self, name: str, op: str, *inputs: str, **attrs: bytes) -> str:
        """An operation on float32."""
        return self._add(name, op, inputs, T=Attr.FLOAT, **attrs)

    def _constant(self, name: str, value: Array) -> str:
        return self._add(name, "Const", dtype=Attr.type_of(value), value=Attr.tensor(value))

    def _variable(self, name: str) -> str:
        """A variable, now a constant, and the node that read it."""
        value: NDArray[np.float32] = self._variables[f"{_POLICY}/{name}"].numpy()
        return self._float(f"{name}/read", "Identity", self._constant(name, value))

    def _scaled(self, sensor: str, images: str) -> str:
        """0 to 255 becomes 0 to 1. coach would also take a mean away, which is 0."""
        divisor = self._constant(f"{sensor}/truediv/y", np.array(255.0, np.float32))
        x = self._float(f"{sensor}/truediv", "RealDiv", images, divisor)
        mean = self._constant(f"{sensor}/sub/y", np.array(0.0, np.float32))
        return self._float(f"{sensor}/sub", "Sub", x, mean)

    def _convolution(self, scope: str, stride: int, x: str) -> str:
        x = self._float(
            f"{scope}/Conv2D",
            "Conv2D",
            x,
            self._variable(f"{scope}/kernel"),
            strides=Attr.numbers(1, stride, stride, 1),
            dilations=Attr.numbers(1, 1, 1, 1),
            padding=Attr.text("VALID"),
            data_format=Attr.text("NHWC"),
            use_cudnn_on_gpu=Attr.flag(True),
        )
        return self._biased(scope, x)

    def _dense(self, scope: str, x: str) -> str:
        kernel, plain = self._variable(f"{scope}/kernel"), Attr.flag(False)
        x = self._float(f"{scope}/MatMul", "MatMul", x, kernel, transpose_a=plain, transpose_b=plain)
        return self._biased(scope, x)

    def _biased(self, scope: str, x: str) -> str:
        bias = self._variable(f"{scope}/bias")
        return self._float(f"{scope}/BiasAdd", "BiasAdd", x, bias, data_format=Attr.text("NHWC"))

    def _flat(self, scope: str, x: str) -> str:
        """[B, H, W, C] to [B, H·W·C]."""
        shape = self._add(f"{scope}/Shape", "Shape", (x,), T=Attr.FLOAT, out_type=Attr.INT32)
        batch = self._first(scope, shape, Attr.INT32)
        rest = self._constant(f"{scope}/Reshape/shape/1", np.array(-1, np.int32))
        wanted = self._stack(f"{scope}/Reshape/shape", Attr.INT32, batch, rest)
        return self._float(f"{scope}/Reshape", "Reshape", x, wanted, Tshape=Attr.INT32)

    def _rescaled(self, x: str) -> str:
        """x·g + x·(1 - g), which is x: coach scales the gradient of the head by g with it, and g is 1."""
        one = self._constant("sub/x", np.array(1.0, np.float32))
        g = self._variable(_RESCALER)
        rest = self._float("sub", "Sub", one, g)
        stopped = self._float(
            "StopGradient", "StopGradient", self._stack("StopGradient/input", Attr.FLOAT, x)
        )
        held = self._float("mul", "Mul", rest, stopped)
        learned = self._float("mul_1", "Mul", g, self._stack("mul_1/y", Attr.FLOAT, x))
        return self._first("ppo_head_0", self._float("add", "Add", held, learned), Attr.FLOAT)

    def _stack(self, name: str, kind: bytes, *inputs: str) -> str:
        return self._add(name, "Pack", inputs, T=kind, N=Attr.number(len(inputs)), axis=Attr.number(0))

    def _first(self, scope: str, x: str, kind: bytes) -> str:
        """x[0]"""
        name, none = f"{scope}/strided_slice", Attr.number(0)
        begin, end, step = (
            self._constant(f"{name}/{part}", np.array([value], np.int32))
            for part, value in (("stack", 0), ("stack_1", 1), ("stack_2", 1))
        )
        return self._add(
            name,
            "StridedSlice",
            (x, begin, end, step),
            T=kind,
            Index=Attr.INT32,
            begin_mask=none,
            end_mask=none,
            ellipsis_mask=none,
            new_axis_mask=none,
            shrink_axis_mask=Attr.number(1),
        )
