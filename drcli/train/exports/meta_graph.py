"""The graph of a TensorFlow checkpoint, `.meta`: value and policy as coach has them, without what trains them.

docs/tensorflow.md describes the files of a checkpoint.
"""

from __future__ import annotations

from drcli.tensorflow.meta_graph_def import meta_graph_def
from drcli.train.actor_critic import ActorCritic
from drcli.train.graph_variables import Restorable
from drcli.train.model import ModelSpec
from drcli.train.network_graph import policy_nodes, value_nodes


def meta_graph(network: ActorCritic, model: ModelSpec) -> bytes:
    """Build the `.meta` file. It depends on the model alone, so all checkpoints of a run have the same."""
    variables = Restorable({name: tuple(value.shape) for name, value in network.variables()})
    nodes = (*value_nodes(network, model, variables), *policy_nodes(network, model, variables))
    return meta_graph_def({node.name: node for node in nodes}.values())  # both have the same placeholders
