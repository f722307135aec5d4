"""The embedder that students of randomised pictures start with: its convolutions have seen roads in every light before.

It was trained once, on tracks of ours, to say from randomised pictures where the road leads (`python -m benchmarks
embedder_fit`). What it has learned is the same for every track, reward function and action space; what to do about it
each student learns from its teacher.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import torch
from safetensors.torch import load
from torch import Tensor

from drcli.train.network import Embedder, PolicyNetwork

# Kernels and biases by number of the layer, as torch has them, float16.
STORED = "camera_embedder.safetensors"


@torch.no_grad()
def load_camera_embedder(network: PolicyNetwork) -> None:
    """Copy its weights to the policy's embedders with its layers: those of the shallow network for one grey picture."""
    for own in map(weights, network.policy_trunk.embedders):
        if _shapes(own) == _shapes(_stored()):
            for name, value in own.items():
                value.copy_(_stored()[name])


def has_camera_embedder(network: PolicyNetwork) -> bool:
    """Whether all embedders of the policy have its weights, unchanged."""
    stored = _stored()
    return all(
        own.keys() == stored.keys()
        and all(torch.equal(own[name], stored[name].to(own[name])) for name in stored)
        for own in map(weights, network.policy_trunk.embedders)
    )


def weights(embedder: Embedder) -> Mapping[str, Tensor]:
    """The weights of an embedder, not copies, under their names in the file."""
    modules = [module for _, module in embedder.stack.layers]
    return {
        f"{number}.{name}": parameter
        for number, module in enumerate(modules)
        for name, parameter in module.named_parameters()
    }


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


@cache
def _stored() -> Mapping[str, Tensor]:
    return load(files(__package__).joinpath(STORED).read_bytes())
