"""The nodes of the networks, from the same tables as the torch modules; `variables` says what variables become."""

from __future__ import annotations

from collections.abc import Sequence

from drcli.sim.sensors.sensor import SensorSpec
from drcli.tensorflow.graph_def import Node
from drcli.train.graph_builder import GraphBuilder
from drcli.train.graph_variables import SMALL, Variables
from drcli.train.layers import Architecture, Layer, Shape, input_shape, placed, rescaling
from drcli.train.model import ModelSpec
from drcli.train.network import MIDDLEWARE, RESCALER, VALUE_HEAD, VALUE_LAYER, PolicyNetwork


def policy_nodes(network: PolicyNetwork, model: ModelSpec, variables: Variables) -> list[Node]:
    """From the placeholders to the policy and what else the head computes."""
    graph = GraphBuilder(network.policy_scope, variables)
    x = features(graph, network.input_scope, model.sensors, model.architecture)
    network.policy.head.nodes(graph, network.head_scope, graph.rescaled(RESCALER, network.head_scope, x))
    return graph.nodes


def value_nodes(
    graph: GraphBuilder, inputs: str, sensors: Sequence[SensorSpec], architecture: Architecture
) -> list[Node]:
    """From the placeholders, in scope `inputs`, to the value, float32 [B, 1]."""
    x = graph.rescaled(RESCALER, VALUE_HEAD, features(graph, inputs, sensors, architecture))
    graph.dense(f"{VALUE_HEAD}/{VALUE_LAYER}", x, SMALL)
    return graph.nodes


def features(
    graph: GraphBuilder, inputs: str, sensors: Sequence[SensorSpec], architecture: Architecture
) -> str:
    """What a head works on."""
    parts = [_embedded(graph, inputs, sensor, architecture) for sensor in sensors]
    shape = (architecture.num_embedded(sensors),)
    return _stacked(graph, architecture.middleware, MIDDLEWARE, shape, graph.joined(parts))


def _embedded(graph: GraphBuilder, scope: str, sensor: SensorSpec, architecture: Architecture) -> str:
    """The features of one sensor. The placeholder is float32 [any, *shape], e.g. grey images with values 0 to 255."""
    name, shape = sensor.name, input_shape(sensor)
    x = graph.scaled(name, rescaling(sensor), graph.placeholder(f"{scope}/{name}/{name}", shape))
    x = _stacked(graph, architecture.embedder(sensor), name, shape, x)
    return graph.flat(f"{name}/Flatten/flatten", x)


def _stacked(graph: GraphBuilder, layers: Sequence[Layer], scope: str, shape: Shape, x: str) -> str:
    for item in placed(layers, scope, shape):
        x = item.layer.nodes(graph, item.scope, item.shape, x)
        x = graph.operation(item.activation, "Relu", x)
    return x
