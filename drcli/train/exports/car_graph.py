"""The frozen TensorFlow graph for the car, `model.pb`: the policy alone, with its variables as constants.

docs/car.md describes the graph.
"""

from __future__ import annotations

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import GRAPH
from drcli.tensorflow.graph_def import graph_def, needed_by
from drcli.tensorflow.tensor_bundle import Variables
from drcli.train.algorithms.algorithm import algorithm_of
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.graph_variables import Frozen
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork
from drcli.train.network_graph import policy_nodes


class CarGraph:
    """Exports the policy as a GraphDef."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """One file."""
        check_supported(metadata)
        model = ModelSpec.of(metadata)
        network = algorithm_of(metadata).network(model, checkpoint.variables)
        values = {name: value.numpy() for name, value in to_tensors(network).items()}
        return {GRAPH: policy_graph(network, model, values)}


def policy_graph(network: PolicyNetwork, model: ModelSpec, values: Variables) -> bytes:
    """Build the graph, from the placeholders to the policy; `values` are those of the network."""
    policy = f"{network.policy_scope}/{network.head_scope}/policy"
    return graph_def(needed_by(policy, policy_nodes(network, model, Frozen(values))))
