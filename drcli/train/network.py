"""Torch networks, built from the layers of an architecture and the head of an action space.

A network lists its variables under the names and in the layouts of the original coach graph, ready for a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drcli.sim.sensors.sensor import SensorSpec
from drcli.tensorflow.graph_def import Node
from drcli.train.graph_variables import Variables
from drcli.train.heads.head import Distribution, Head
from drcli.train.layers import (
    Architecture,
    Placed,
    TorchLayer,
    final_shape,
    input_shape,
    placed,
    rescaling,
)
from drcli.train.model import ModelSpec

ROOT = "main_level/agent/main/online"
MIDDLEWARE = "middleware_fc_embedder"
VALUE_HEAD, VALUE_LAYER = "v_values_head_0", "output"
RESCALER = (
    "gradients_from_head_0-0_rescalers"  # does nothing in the forward pass, but coach has this variable
)
# The graph only scales images to 0..1. The first convolution is initialised as if images were centred and of unit
# variance, which saves a third of the steps; afterwards it is an ordinary layer. Averages over our tracks.
IMAGE_MEAN, IMAGE_GAIN = 0.36, 3.0
WIDE = 16_384  # inputs

Observation = Mapping[str, Tensor]


class Variable(NamedTuple):
    """A variable of the checkpoint; `value` is a view of the parameter in TensorFlow's layout."""

    name: str
    value: Tensor


def bias_of(layer: TorchLayer) -> Tensor:
    """The bias of a layer; all layers here have one."""
    bias = layer.bias
    if bias is None:
        raise TypeError(f"{layer} has no bias")
    return bias


@torch.no_grad()
def initialise(layer: TorchLayer, gain: float) -> None:
    """Draw orthogonal weights and set the bias to zero.

    Rows of a very wide layer are as good as orthogonal anyway; to make them so would take half a minute.
    """
    num_inputs = layer.weight[0].numel()
    if num_inputs > WIDE:
        layer.weight.normal_(0.0, gain / num_inputs**0.5)
    else:
        layer.weight.copy_(nn.init.orthogonal_(torch.empty(layer.weight.shape), gain=gain))
    bias_of(layer).zero_()


class LayerStack(nn.Module):
    """The layers of an embedder or of the middleware, with a ReLU after each."""

    def __init__(self, layers: Iterable[Placed]) -> None:
        super().__init__()
        self.layers = [(item, item.layer.module(item.shape)) for item in layers]
        for item, module in self.layers:
            self.add_module(item.scope.rpartition("/")[2], module)

    def initialise(self) -> None:
        """Draw random weights."""
        for _, module in self.layers:
            initialise(module, gain=2**0.5)

    def variables(self) -> Iterator[Variable]:
        """The kernel and bias of each layer."""
        for item, module in self.layers:
            yield Variable(f"{item.scope}/kernel", item.layer.kernel(module))
            yield Variable(f"{item.scope}/bias", bias_of(module))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers to [B, channels, height, width] or [B, numbers]."""
        for _, module in self.layers:
            x = F.relu(module(x))
        return x


class Embedder(nn.Module):
    """Turns observations of one sensor into flat features."""

    def __init__(self, sensor: SensorSpec, architecture: Architecture) -> None:
        super().__init__()
        self.sensor = sensor.name
        self.stack = LayerStack(placed(architecture.embedder(sensor), sensor.name, input_shape(sensor)))
        self._divisor = rescaling(sensor)
        self.num_axes = len(sensor.shape)

    def initialise(self) -> None:
        """Draw random weights; see IMAGE_MEAN."""
        self.stack.initialise()
        first = self.stack.layers[0][1] if self.stack.layers else None
        if isinstance(first, nn.Conv2d):
            with torch.no_grad():
                first.weight *= IMAGE_GAIN
                bias_of(first).sub_(IMAGE_MEAN * first.weight.sum((1, 2, 3)))

    def prepare(self, observations: Tensor, dtype: torch.dtype) -> Tensor:
        """Rescale observations [B, *sensor.shape], and put channels before height and width."""
        x = observations.to(dtype)
        x = x / self._divisor if self._divisor != 1.0 else x
        if self.num_axes == 1:
            return x
        x = x.unsqueeze(1) if self.num_axes == 2 else x.permute(0, 3, 1, 2)
        return x.contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, features], flattened with the channel last as in TensorFlow: weights need no reordering."""
        x = self.stack(x)
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


class Trunk(nn.Module):
    """Turns observations of all sensors into the features that a head works on.

    embedders: those of another trunk, which this one then shares.
    """

    def __init__(
        self,
        sensors: Sequence[SensorSpec],
        architecture: Architecture,
        embedders: Sequence[Embedder] | None = None,
    ) -> None:
        super().__init__()
        self.embedders = list(embedders or (Embedder(sensor, architecture) for sensor in sensors))
        for embedder in self.embedders:
            self.add_module(embedder.sensor, embedder)
        shape = (architecture.num_embedded(sensors),)
        self.middleware = LayerStack(placed(architecture.middleware, MIDDLEWARE, shape))
        self.num_features = prod(final_shape(architecture.middleware, shape))

    def initialise(self) -> None:
        """Draw random weights."""
        for embedder in self.embedders:
            embedder.initialise()
        self.middleware.initialise()

    def variables(self) -> Iterator[Variable]:
        """The variables of the embedders and of the middleware."""
        for stack in (*(embedder.stack for embedder in self.embedders), self.middleware):
            yield from stack.variables()

    def prepare(self, obs: Observation, dtype: torch.dtype) -> list[Tensor]:
        """Prepare observations for `forward`, in the format `dtype`."""
        return [embedder.prepare(obs[embedder.sensor], dtype) for embedder in self.embedders]

    def embedded(self, inputs: Sequence[Tensor]) -> Tensor:
        """The features of all sensors, before the middleware."""
        parts = [embedder(x) for embedder, x in zip(self.embedders, inputs, strict=True)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns [B, num_features]."""
        features: Tensor = self.middleware(self.embedded(inputs))
        return features


class PolicyOutput(nn.Module):
    """The weights of a policy head."""

    def __init__(self, head: Head, num_features: int) -> None:
        super().__init__()
        self.head = head
        self.dense = nn.Linear(num_features, head.num_outputs)
        self._free = {name: nn.Parameter(start) for name, start in head.free_variables().items()}
        for name, parameter in self._free.items():
            self.register_parameter(name, parameter)

    def initialise(self) -> None:
        """Draw random weights."""
        initialise(self.dense, gain=0.01)  # nearly uniform at first

    def layer_parameters(self) -> list[nn.Parameter]:
        """What depends on what is seen: all but the free variables."""
        return [parameter for name, parameter in self.named_parameters() if name not in self._free]

    def variables(self, scope: str) -> Iterator[Variable]:
        """The variables of the dense layer, and the free ones."""
        yield from dense_variables(self.dense, f"{scope}/{self.head.layer}")
        yield from self.free_variables(scope)

    def free_variables(self, scope: str) -> Iterator[Variable]:
        """Those that do not depend on what is seen. A car needs none of them: they are for exploration."""
        for name in self._free:
            yield Variable(f"{scope}/{name}", self.get_parameter(name))

    @torch.no_grad()
    def copy_free_variables(self, other: PolicyOutput) -> None:
        """Take over the variables of another head that do not depend on what is seen."""
        for name in self._free:
            self.get_parameter(name).copy_(other.get_parameter(name))

    def distribution(self, outputs: Tensor) -> Distribution:
        """The distribution for outputs, float32 [B, num_outputs] on any device."""
        return self.head.distribution(
            outputs, {name: self.get_parameter(name).to(outputs) for name in self._free}
        )

    def forward(self, features: Tensor) -> Tensor:
        """Returns [B, num_outputs] for [B, num_features]."""
        outputs: Tensor = self.dense(features)
        return outputs


def dense_variables(layer: nn.Linear, scope: str) -> Iterator[Variable]:
    """The kernel [in, out] and the bias of a dense layer."""
    yield Variable(f"{scope}/kernel", layer.weight.permute(1, 0))
    yield Variable(f"{scope}/bias", layer.bias)


class PolicyNetwork(nn.Module):
    """The policy network, coach's `network_1`, which the car's graph is built from. Algorithms may add to it.

    A new network has no useful weights: load some, or call `initialise`, which takes 0.3 s.
    """

    input_scope = f"{ROOT}/network_0"  # all networks of coach share the input of the first one
    policy_scope = f"{ROOT}/network_1"
    head_scope = "ppo_head_0"
    output: ClassVar[type[PolicyOutput]] = PolicyOutput

    def __init__(self, model: ModelSpec) -> None:
        super().__init__()
        self.policy_trunk = Trunk(model.sensors, model.architecture)
        self.policy = self.output(model.head, self.policy_trunk.num_features)

    def initialise(self) -> None:
        """Draw random weights from torch's global generator."""
        self.policy_trunk.initialise()
        self.policy.initialise()

    def variables(self) -> Iterator[Variable]:
        """All variables of the checkpoint, with their full names."""
        yield Variable(f"{self.policy_scope}/{RESCALER}", torch.ones(()))
        for name, value in (*self.policy_trunk.variables(), *self.policy.variables(self.head_scope)):
            yield Variable(f"{self.policy_scope}/{name}", value)

    def acting_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters that the algorithm's actor needs, by name."""
        return self.named_parameters()

    def critic_nodes(self, model: ModelSpec, variables: Variables) -> Sequence[Node] | None:
        """The graph of coach's other networks of this algorithm; None if coach does not have the algorithm."""
        return None

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the computation."""
        weight = self.policy.dense.weight
        device = weight.device.type
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype

    def policy_outputs(self, obs: Observation, *, keeps_embedders: bool = False) -> Tensor:
        """The head's outputs [B, num_outputs] for observations [B, …] by sensor.

        keeps_embedders: no gradient gets to the embedders, which saves half of the time of a step.
        """
        trunk = self.policy_trunk
        with torch.set_grad_enabled(torch.is_grad_enabled() and not keeps_embedders):
            features = trunk.embedded(trunk.prepare(obs, self.dtype))
        outputs: Tensor = self.policy(trunk.middleware(features))
        return outputs

    def forward(self, obs: Observation) -> Any:
        """Returns the outputs of all heads; here those of the policy."""
        return self.policy_outputs(obs)


def weights_of(network: PolicyNetwork, dtype: torch.dtype) -> dict[str, Tensor]:
    """Copy the parameters that an actor needs to the CPU, for workers; shared ones are listed once."""
    return {
        name: parameter.detach().to(dtype, copy=True).cpu() for name, parameter in network.acting_parameters()
    }
