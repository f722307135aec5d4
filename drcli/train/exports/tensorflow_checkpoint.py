"""What the community's engine and DeepRacer on AWS restore, and the frozen graph that they write next to it.

docs/tensorflow.md describes them.
"""

from __future__ import annotations

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import GRAPH, INDEX, META
from drcli.errors import UsageError
from drcli.tensorflow.tensor_bundle import shard_suffix, write_bundle
from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.algorithm import algorithm_of
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import policy_graph
from drcli.train.exports.meta_graph import meta_graph
from drcli.train.model import ModelSpec


class TensorFlowCheckpoint:
    """Exports all networks of the model, without what a stopped run resumes with."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """Index, values, the graph with variables, and the frozen graph: no part looks complete early."""
        check_supported(metadata)
        model = ModelSpec.of(metadata)
        network = algorithm_of(metadata).network(model, checkpoint.variables)
        if not isinstance(network, ActorCritic):
            raise UsageError(f"Coach has no network for the algorithm {metadata.training_algorithm}.")
        bundle = write_bundle({name: value.numpy() for name, value in to_tensors(network).items()})
        return {
            INDEX: bundle.index,
            shard_suffix(): bundle.data,
            META: meta_graph(network, model),
            GRAPH: policy_graph(network, model),
        }
