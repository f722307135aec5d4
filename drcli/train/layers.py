"""Layers and architectures: one table of layers defines the torch modules, the variable names and the car's graph.

Shapes are without the batch: `(height, width, channels)` or `(numbers,)`. A ReLU follows every layer. Layers are
numbered as in coach, which counts activations, too: `Conv2d_0`, `Conv2d_2`, …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.graph_builder import GraphBuilder

Shape = tuple[int, ...]
TorchLayer = nn.Conv2d | nn.Linear


class Layer(Protocol):
    """A layer of an architecture; `kind` is its name in variable scopes."""

    kind: ClassVar[str]

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of `shape`."""
        ...

    def module(self, shape: Shape) -> TorchLayer:
        """Create the torch layer, which works on [B, channels, height, width] or [B, numbers]."""
        ...

    def kernel(self, module: TorchLayer) -> Tensor:
        """The module's weights in TensorFlow's layout, as a view that can be written to."""
        ...

    def nodes(self, graph: GraphBuilder, scope: str, shape: Shape, x: str) -> str:
        """Add the layer to a graph, on top of node `x`; returns the name of its last node."""
        ...


@dataclass(frozen=True)
class Conv2d:
    """A convolution without padding; its kernel is stored as [height, width, in, out]."""

    filters: int
    size: int
    stride: int
    kind: ClassVar[str] = "Conv2d"

    def output_shape(self, shape: Shape) -> Shape:
        """`(height, width, filters)`."""
        height, width = ((side - self.size) // self.stride + 1 for side in shape[:2])
        return height, width, self.filters

    def module(self, shape: Shape) -> TorchLayer:
        """Works on [B, channels, height, width]."""
        return _channels_last(nn.Conv2d(shape[-1], self.filters, self.size, self.stride))

    def kernel(self, module: TorchLayer) -> Tensor:
        """[height, width, in, out]."""
        return module.weight.permute(2, 3, 1, 0)

    def nodes(self, graph: GraphBuilder, scope: str, shape: Shape, x: str) -> str:
        """Conv2D and BiasAdd."""
        return graph.convolution(scope, self.stride, x)


@dataclass(frozen=True)
class Dense:
    """A dense layer on the last axis, also of feature maps (as in TensorFlow); its kernel is stored as [in, out]."""

    units: int
    kind: ClassVar[str] = "Dense"

    def output_shape(self, shape: Shape) -> Shape:
        """`shape` with `units` as its last axis."""
        return *shape[:-1], self.units

    def module(self, shape: Shape) -> TorchLayer:
        """A linear layer, or a 1×1 convolution on feature maps."""
        if len(shape) == 1:
            return nn.Linear(shape[-1], self.units)
        return _channels_last(nn.Conv2d(shape[-1], self.units, 1))

    def kernel(self, module: TorchLayer) -> Tensor:
        """[in, out]."""
        weight = module.weight if module.weight.dim() == 2 else module.weight[:, :, 0, 0]
        return weight.permute(1, 0)

    def nodes(self, graph: GraphBuilder, scope: str, shape: Shape, x: str) -> str:
        """MatMul and BiasAdd."""
        return graph.dense(scope, x) if len(shape) == 1 else graph.dense_on_maps(scope, shape, self.units, x)


@dataclass(frozen=True)
class Architecture:
    """A member of `tables.NETWORKS`: an embedder per sensor, flattened and concatenated, then the middleware.

    embedder: returns the layers for a sensor's observations.
    """

    embedder: Callable[[SensorSpec], Sequence[Layer]]
    middleware: Sequence[Layer]

    def num_embedded(self, sensors: Sequence[SensorSpec]) -> int:
        """The total number of features from all embedders."""
        return sum(prod(final_shape(self.embedder(sensor), input_shape(sensor))) for sensor in sensors)


class Placed(NamedTuple):
    """A layer in its place: its scope, the scope of its activation, and the shape of its input."""

    layer: Layer
    scope: str
    activation: str
    shape: Shape


def placed(layers: Sequence[Layer], scope: str, shape: Shape) -> Iterator[Placed]:
    """Place the layers of an embedder or of the middleware in `scope`, for inputs of `shape`."""
    for index, layer in enumerate(layers):
        yield Placed(
            layer,
            f"{scope}/{layer.kind}_{2 * index}",
            f"{scope}/BatchnormActivationDropout_{2 * index + 1}_activation",
            shape,
        )
        shape = layer.output_shape(shape)


def final_shape(layers: Sequence[Layer], shape: Shape) -> Shape:
    """The output shape of a stack of layers for an input of `shape`."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def input_shape(sensor: SensorSpec) -> Shape:
    """The shape of one observation in the network, where a grey image has one channel."""
    return (*sensor.shape, 1) if len(sensor.shape) == 2 else sensor.shape


def rescaling(sensor: SensorSpec) -> float:
    """The divisor of observations: bytes are scaled to 0 … 1, other numbers are left alone."""
    return 255.0 if sensor.dtype.kind == "u" else 1.0


def _channels_last(layer: nn.Conv2d) -> nn.Conv2d:
    """Use the memory layout that processors handle fastest."""
    return layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
