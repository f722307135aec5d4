"""Builds the graph of a network, with nodes in the order they are computed and coach's names.

Methods add nodes and return the name of the last one. The graph equals coach's node for node, because the converters
on the cars (OpenVINO's model optimizer, TFLite's) rely on names and operations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drcli.tensorflow.graph_def import Array, Attr, Node
from drcli.train.graph_variables import GLOROT, ZEROS, Start, Variables, given


class GraphBuilder:
    """Names passed to methods are relative to `scope`; `variables` turns a variable into nodes."""

    def __init__(self, scope: str, variables: Variables) -> None:
        self.nodes: list[Node] = []
        self._scope = scope
        self._variables = variables

    def placeholder(self, name: str, shape: Sequence[int]) -> str:
        """An input of the graph, float32 [any, *shape]; `name` is absolute."""
        attrs = {"dtype": Attr.FLOAT, "shape": Attr.shape(-1, *shape)}
        self.nodes.append(Node(name, "Placeholder", (), attrs))
        return name

    def variable(self, name: str, start: Start) -> str:
        """A variable, and the node that reads it."""
        self.nodes += self._variables.nodes(f"{self._scope}/{name}", start)
        return self.operation(f"{name}/read", "Identity", f"{self._scope}/{name}")

    def operation(self, name: str, op: str, *inputs: str, **attrs: bytes) -> str:
        """An operation on float32."""
        return self._add(name, op, inputs, T=Attr.FLOAT, **attrs)

    def scaled(self, scope: str, divisor: float, x: str) -> str:
        """x / divisor. coach also subtracts an offset, which is 0."""
        by = self._constant(f"{scope}/truediv/y", np.array(divisor, np.float32))
        x = self.operation(f"{scope}/truediv", "RealDiv", x, by)
        offset = self._constant(f"{scope}/sub/y", np.array(0.0, np.float32))
        return self.operation(f"{scope}/sub", "Sub", x, offset)

    def convolution(self, scope: str, stride: int, x: str) -> str:
        """A convolution without padding, with its bias."""
        x = self.operation(
            f"{scope}/Conv2D",
            "Conv2D",
            x,
            self.variable(f"{scope}/kernel", GLOROT),
            strides=Attr.numbers(1, stride, stride, 1),
            dilations=Attr.numbers(1, 1, 1, 1),
            padding=Attr.text("VALID"),
            data_format=Attr.text("NHWC"),
            use_cudnn_on_gpu=Attr.flag(True),
        )
        return self._biased(scope, x)

    def dense(self, scope: str, x: str, kernel: Start = GLOROT) -> str:
        """A dense layer on [B, N], with its bias."""
        return self._biased(scope, self._product(f"{scope}/MatMul", scope, x, kernel))

    def dense_on_maps(self, scope: str, shape: Sequence[int], units: int, x: str) -> str:
        """A dense layer on the channels of [B, H, W, C], with its bias; `shape` is without the batch."""
        inside = f"{scope}/Tensordot"
        x = self._reshaped(f"{inside}/Reshape", (-1, shape[-1]), x)
        x = self._product(f"{inside}/MatMul", scope, x, GLOROT)
        return self._biased(scope, self._reshaped(inside, (-1, *shape[:-1], units), x))

    def flat(self, scope: str, x: str) -> str:
        """[B, H, W, C] to [B, H·W·C]."""
        batch = self._num_rows(scope, f"{scope}/strided_slice", x)
        rest = self._constant(f"{scope}/Reshape/shape/1", np.array(-1, np.int32))
        wanted = self._stack(f"{scope}/Reshape/shape", Attr.INT32, batch, rest)
        return self.operation(f"{scope}/Reshape", "Reshape", x, wanted, Tshape=Attr.INT32)

    def joined(self, parts: Sequence[str], name: str = "merger") -> str:
        """Features side by side, by default those of all sensors; a single part needs no node."""
        if len(parts) == 1:
            return parts[0]
        axis = self._constant(f"{name}/axis", np.array(-1, np.int32))
        number = Attr.number(len(parts))
        return self._add(name, "ConcatV2", (*parts, axis), T=Attr.FLOAT, N=number, Tidx=Attr.INT32)

    def rescaled(self, rescaler: str, head: str, x: str) -> str:
        """x·g + x·(1 - g), which is x: coach scales the gradient of the head by g with it, and g is 1."""
        one = self._constant("sub/x", np.array(1.0, np.float32))
        g = self.variable(rescaler, given(1.0))
        rest = self.operation("sub", "Sub", one, g)
        stopped = self.operation(
            "StopGradient", "StopGradient", self._stack("StopGradient/input", Attr.FLOAT, x)
        )
        held = self.operation("mul", "Mul", rest, stopped)
        learned = self.operation("mul_1", "Mul", g, self._stack("mul_1/y", Attr.FLOAT, x))
        return self._first(f"{head}/strided_slice", self.operation("add", "Add", held, learned), Attr.FLOAT)

    def clipped(self, scope: str, low: float, high: float, x: str) -> str:
        """x within two bounds."""
        name = f"{scope}/clip_by_value"
        most = self._constant(f"{name}/Minimum/y", np.array(high, np.float32))
        x = self.operation(f"{name}/Minimum", "Minimum", x, most)
        return self.operation(name, "Maximum", x, self._constant(f"{name}/y", np.array(low, np.float32)))

    def repeated(self, scope: str, name: str, x: str, like: str) -> str:
        """A single row [1, N] as often as `like` has rows."""
        rows = self._num_rows(scope, f"{scope}/strided_slice_1", like)
        once = self._constant(f"{name}/multiples/1", np.array(1, np.int32))
        times = self._stack(f"{name}/multiples", Attr.INT32, rows, once)
        return self.operation(name, "Tile", x, times, Tmultiples=Attr.INT32)

    def _add(self, name: str, op: str, inputs: tuple[str, ...] = (), **attrs: bytes) -> str:
        node = Node(f"{self._scope}/{name}", op, inputs, attrs)
        self.nodes.append(node)
        return node.name

    def _constant(self, name: str, value: Array) -> str:
        return self._add(name, "Const", dtype=Attr.type_of(value), value=Attr.tensor(value))

    def _product(self, name: str, scope: str, x: str, start: Start) -> str:
        kernel, plain = self.variable(f"{scope}/kernel", start), Attr.flag(False)
        return self.operation(name, "MatMul", x, kernel, transpose_a=plain, transpose_b=plain)

    def _biased(self, scope: str, x: str) -> str:
        bias = self.variable(f"{scope}/bias", ZEROS)
        return self.operation(f"{scope}/BiasAdd", "BiasAdd", x, bias, data_format=Attr.text("NHWC"))

    def _reshaped(self, name: str, shape: Sequence[int], x: str) -> str:
        wanted = self._constant(f"{name}/shape", np.array(shape, np.int32))
        return self.operation(name, "Reshape", x, wanted, Tshape=Attr.INT32)

    def _stack(self, name: str, kind: bytes, *inputs: str) -> str:
        return self._add(name, "Pack", inputs, T=kind, N=Attr.number(len(inputs)), axis=Attr.number(0))

    def _num_rows(self, scope: str, name: str, x: str) -> str:
        shape = self._add(f"{scope}/Shape", "Shape", (x,), T=Attr.FLOAT, out_type=Attr.INT32)
        return self._first(name, shape, Attr.INT32)

    def _first(self, name: str, x: str, kind: bytes) -> str:
        """x[0]"""
        none = Attr.number(0)
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
