"""Layers, and architectures made of them: one table that torch modules, variable names and the car's graph follow.

Shapes are those of one observation or feature, without the batch: `(height, width, channels)` or `(numbers,)`. A ReLU
follows every layer. Layers are counted as coach counts them, their activations included: `Conv2d_0`, `Conv2d_2`, …
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
        """Of its output for an input of `shape`."""
        ...

    def module(self, shape: Shape) -> TorchLayer:
        """The layer in torch. Maps are [B, channels, height, width] there, all else is [B, numbers]."""
        ...

    def kernel(self, module: TorchLayer) -> Tensor:
        """The module's weights in TensorFlow's layout: a view, so it can be filled."""
        ...

    def nodes(self, graph: GraphBuilder, scope: str, shape: Shape, x: str) -> str:
        """Add the layer on node `x` to a graph; the name of its last node."""
        ...


@dataclass(frozen=True)
class Conv2d:
    """A convolution without padding; its kernel is stored [height, width, in, out]."""

    filters: int
    size: int
    stride: int
    kind: ClassVar[str] = "Conv2d"

    def output_shape(self, shape: Shape) -> Shape:
        """What `size` and `stride` leave of `(height, width, channels)`."""
        height, width = ((side - self.size) // self.stride + 1 for side in shape[:2])
        return height, width, self.filters

    def module(self, shape: Shape) -> TorchLayer:
        """On [B, channels, height, width]."""
        return _channels_last(nn.Conv2d(shape[-1], self.filters, self.size, self.stride))

    def kernel(self, module: TorchLayer) -> Tensor:
        """[height, width, in, out]."""
        return module.weight.permute(2, 3, 1, 0)

    def nodes(self, graph: GraphBuilder, scope: str, shape: Shape, x: str) -> str:
        """Conv2D and BiasAdd."""
        return graph.convolution(scope, self.stride, x)


@dataclass(frozen=True)
class Dense:
    """A dense layer on the last axis, of maps too, as TensorFlow has it; its kernel is stored [in, out]."""

    units: int
    kind: ClassVar[str] = "Dense"

    def output_shape(self, shape: Shape) -> Shape:
        """Another last axis."""
        return *shape[:-1], self.units

    def module(self, shape: Shape) -> TorchLayer:
        """On maps it is a convolution of one pixel."""
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
    """One embedder for each sensor, whose flat outputs are joined in the order of the sensors; then the middleware.

    embedder: the layers for observations of a sensor. The member of `tables.NETWORKS`.
    """

    embedder: Callable[[SensorSpec], Sequence[Layer]]
    middleware: Sequence[Layer]

    def num_embedded(self, sensors: Sequence[SensorSpec]) -> int:
        """Numbers that the embedders give together."""
        return sum(prod(final_shape(self.embedder(sensor), input_shape(sensor))) for sensor in sensors)


class Placed(NamedTuple):
    """A layer where it stands: its scope, the scope of its activation, the shape of its input."""

    layer: Layer
    scope: str
    activation: str
    shape: Shape


def placed(layers: Sequence[Layer], scope: str, shape: Shape) -> Iterator[Placed]:
    """The layers of an embedder or of the middleware, for inputs of `shape`."""
    for index, layer in enumerate(layers):
        yield Placed(
            layer,
            f"{scope}/{layer.kind}_{2 * index}",
            f"{scope}/BatchnormActivationDropout_{2 * index + 1}_activation",
            shape,
        )
        shape = layer.output_shape(shape)


def final_shape(layers: Sequence[Layer], shape: Shape) -> Shape:
    """What layers leave of an input of `shape`."""
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def input_shape(sensor: SensorSpec) -> Shape:
    """Of an observation as the network takes it: a grey image has one channel."""
    return (*sensor.shape, 1) if len(sensor.shape) == 2 else sensor.shape


def rescaling(sensor: SensorSpec) -> float:
    """What observations are divided by: bytes become 0 to 1, other numbers stay as they are."""
    return 255.0 if sensor.dtype.kind == "u" else 1.0


def _channels_last(layer: nn.Conv2d) -> nn.Conv2d:
    """The order in memory that processors multiply fastest in."""
    return layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
