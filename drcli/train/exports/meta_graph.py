"""The graph of a TensorFlow checkpoint, `.meta`: policy and critics as coach has them, without what trains them.

docs/tensorflow.md describes the files of a checkpoint.
"""

from __future__ import annotations

from drcli.tensorflow.meta_graph_def import meta_graph_def
from drcli.train.graph_variables import Restorable
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork
from drcli.train.network_graph import policy_nodes


def meta_graph(network: PolicyNetwork, model: ModelSpec) -> bytes | None:
    """Build the `.meta` file; None if coach does not have the algorithm.

    It depends on the model alone, so all checkpoints of a run have the same.
    """
    variables = Restorable({name: tuple(value.shape) for name, value in network.variables()})
    critics = network.critic_nodes(model, variables)
    if critics is None:
        return None
    nodes = (*critics, *policy_nodes(network, model, variables))
    return meta_graph_def({node.name: node for node in nodes}.values())  # networks may share placeholders
