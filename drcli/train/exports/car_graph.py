"""The frozen TensorFlow graph for the car, `model.pb`: the policy alone, with its variables as constants.

docs/car.md describes the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.algorithms.algorithm import algorithm_of
from drcli.train.checkpoint import to_tensors, unpack
from drcli.train.graph_builder import GraphBuilder
from drcli.train.graph_def import graph_def
from drcli.train.layers import Architecture, Layer, Shape, input_shape, placed, rescaling
from drcli.train.model import ModelSpec
from drcli.train.network import MIDDLEWARE, RESCALER, PolicyNetwork


class CarGraph:
    """Exports the policy as a GraphDef."""

    suffix: str = ".pb"

    @staticmethod
    def export(checkpoint: bytes, metadata: ModelMetadata) -> bytes:
        """Build the `.pb` file. Raises UsageError for unsupported metadata, DrError for an unusable checkpoint."""
        check_supported(metadata)
        model = ModelSpec.of(metadata)
        variables = unpack(checkpoint, "of the model").variables
        return policy_graph(algorithm_of(metadata).network(model, variables), model)


def policy_graph(network: PolicyNetwork, model: ModelSpec) -> bytes:
    """Build the graph, from the placeholders to the policy."""
    graph = GraphBuilder(network.policy_scope, to_tensors(network))
    features = [_embedded(graph, network.input_scope, sensor, model.architecture) for sensor in model.sensors]
    shape = (model.architecture.num_embedded(model.sensors),)
    x = _stacked(graph, model.architecture.middleware, MIDDLEWARE, shape, graph.joined(features))
    model.head.nodes(graph, network.head_scope, graph.rescaled(RESCALER, network.head_scope, x))
    return graph_def(graph.nodes)


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
