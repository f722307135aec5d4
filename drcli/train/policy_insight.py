"""What a policy network makes of what one car sees: how probable each action is, and where it looks. For viewers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drcli.config.model_metadata import ModelMetadata
from drcli.train.algorithms.algorithm import algorithm_of
from drcli.train.checkpoint_formats import read_weights
from drcli.train.model import ModelSpec
from drcli.train.network import PolicyNetwork

_DRAWS = 64

Seen = Mapping[str, NDArray[Any]]  # by sensor, as one car sees it: [*shape]


class PolicyInsight:
    """The policy of a checkpoint. Raises DrError if the files do not fit the metadata. One thread of torch."""

    def __init__(self, metadata: ModelMetadata, files: Mapping[str, bytes], name: str) -> None:
        torch.set_num_threads(1)
        self._model = ModelSpec.of(metadata)
        network: PolicyNetwork = algorithm_of(metadata).network(
            self._model, read_weights(files, name).variables
        )
        self._network = network

    @torch.no_grad()
    def probabilities(self, seen: Seen) -> list[float]:
        """Of each action of a list."""
        outputs = self._network.policy_outputs(_batch(seen))
        return torch.softmax(outputs[0].float(), -1).tolist()

    @torch.no_grad()
    def spread(self, seen: Seen) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of (steering in degrees, speed in m/s), from some draws."""
        outputs = self._network.policy_outputs(_batch(seen))
        chances = self._network.policy.distribution(outputs.expand(_DRAWS, -1))
        commands = self._model.head.commands(chances.sample(torch.Generator()).numpy())
        both = np.stack([commands.steering_deg, commands.speed_mps])
        return both.mean(1).tolist(), both.std(1).tolist()

    def attention(self, seen: Seen) -> NDArray[np.float32] | None:
        """Where it looks, 0 to 1, `[height, width]` of its last convolution (Selvaraju et al. 2017, Grad-CAM).

        None if it has no camera.
        """
        network = self._network
        convolutions = [m for m in network.policy_trunk.modules() if isinstance(m, torch.nn.Conv2d)]
        if not convolutions:
            return None
        kept: list[Tensor] = []
        hook = convolutions[-1].register_forward_hook(lambda _, inputs, output: kept.append(output))
        try:
            with torch.enable_grad():
                score = network.policy_outputs(_batch(seen)).max()
                (slope,) = torch.autograd.grad(score, kept[0])
        finally:
            hook.remove()
        heat = (slope.mean((2, 3), keepdim=True) * kept[0]).sum(1)[0].clamp(min=0).detach().float()
        scaled: NDArray[np.float32] = (heat / heat.max().clamp(min=1e-9)).numpy()
        return scaled


def _batch(seen: Seen) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values[None].copy()) for name, values in seen.items()}
