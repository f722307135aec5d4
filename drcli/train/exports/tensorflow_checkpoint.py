"""What the community's engine and DeepRacer on AWS restore, and the frozen graph that they write next to it.

docs/tensorflow.md describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from drcli.config.engine import check_supported
from drcli.config.model_metadata import ModelMetadata
from drcli.contract.checkpoint_names import GRAPH, INDEX, META
from drcli.errors import UsageError
from drcli.tensorflow.tensor_bundle import shard_suffix, write_bundle
from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.algorithm import Algorithm, algorithm_of
from drcli.train.checkpoint import Checkpoint, to_tensors
from drcli.train.exports.car_graph import policy_graph
from drcli.train.exports.meta_graph import meta_graph
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork


class TensorFlowCheckpoint:
    """Exports all networks of the model, without what a stopped run resumes with."""

    @staticmethod
    def export(checkpoint: Checkpoint, metadata: ModelMetadata) -> dict[str, bytes]:
        """Index, values, the graph with variables, and the frozen graph: no part looks complete early."""
        check_supported(metadata)
        model = ModelSpec.of(metadata)
        network, variables = _restored(algorithm_of(metadata), model, checkpoint.variables)
        meta = meta_graph(network, model)
        if meta is None:
            raise UsageError(f"Coach has no network for the algorithm {metadata.training_algorithm}.")
        values = {name: value.numpy() for name, value in variables.items()}
        bundle = write_bundle(values)
        return {
            INDEX: bundle.index,
            shard_suffix(): bundle.data,
            META: meta,
            GRAPH: policy_graph(network, model, values),
        }


def _restored(
    algorithm: Algorithm, model: ModelSpec, variables: Mapping[str, Tensor]
) -> tuple[PolicyNetwork, Mapping[str, Tensor]]:
    """The network of a checkpoint, and all its variables.

    A training's own checkpoint has exactly those: then the network stays without numbers, which would be copied twice
    just to be as they were. Drawing random ones, even for no memory, would import 800 modules, 2 s of CPU time.
    """
    network: PolicyNetwork
    with torch.device("meta"):
        network = ActorCritic(model, is_shared=not model.value_sensors)
    if _layout(network.variables()) == _layout(variables.items()):
        return network, variables
    network = algorithm.network(model, variables)
    return network, to_tensors(network)


def _layout(variables: Iterable[tuple[str, Tensor]]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (value.shape, value.dtype) for name, value in variables}
