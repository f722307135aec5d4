"""What the names and shapes in a checkpoint tell about its network. Pure.

The names are those of the original coach graph, in the checkpoints of every engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

_AGENT = r"main_level/agent/(?:main|policy)/online/network_\d"
_FIRST = re.compile(rf"{_AGENT}/(?!middleware_)([^/]+)/(?:Conv2d|Dense)_0/kernel")
_HEADS = {
    "/ppo_head_0/policy_fc": "discrete",
    "/ppo_head_0/policy_mean": "continuous",
    "/sac_policy_head_0/policy_mean": "continuous",
}
_SAC = "main_level/agent/policy/"
_MIDDLEWARE = re.compile(rf"{_AGENT}/middleware_fc_embedder/(Dense_\d+)/kernel")
_ALWAYS_SHALLOW = "observation"
_LAYERS = {  # the size of a camera's first kernel, one picture or two, and the units of the middleware
    "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW": ({8}, (512,)),
    "DEEP_CONVOLUTIONAL_NETWORK": ({5, 3}, (512,)),
    "DEEP_CONVOLUTIONAL_NETWORK_DEEP": ({8, 3}, (256, 128)),
}
COMMUNITY_NETWORKS = tuple(_LAYERS)


@dataclass(frozen=True)
class StoredNetwork:
    """A network: its sensors and how many channels each image has (0 for numbers), its actions, its algorithm.

    neural_networks: which of the community's it can be, by its layers; none if it is another one.
    """

    channels: Mapping[str, int]
    action_space_type: str
    num_outputs: int
    training_algorithm: str
    has_value: bool
    neural_networks: tuple[str, ...] = ()

    @classmethod
    def of(cls, shapes: Shapes) -> StoredNetwork:
        """Find it in the shapes of all variables by name. Raises ValueError if they are not a DeepRacer model's."""
        first = {match[1]: shape for name, shape in shapes.items() if (match := _FIRST.fullmatch(name))}
        channels = {sensor: shape[2] if len(shape) == 4 else 0 for sensor, shape in sorted(first.items())}
        is_sac = any(name.startswith(_SAC) for name in shapes)
        heads = [
            (kind, shape[-1])
            for name, shape in shapes.items()
            for layer, kind in _HEADS.items()
            if name.endswith(f"{layer}/kernel") and shape
        ]
        if not channels or not heads:
            raise ValueError("it does not have the variables of a DeepRacer model")
        kind, outputs = heads[0]
        has_value = any("/v_values_head_0/" in name for name in shapes)
        algorithm = "sac" if is_sac else "clipped_ppo"
        return cls(channels, kind, outputs, algorithm, has_value, _neural_networks(first, shapes))


def _neural_networks(first: Shapes, shapes: Shapes) -> tuple[str, ...]:
    """The names of the networks with this middleware and these first layers of cameras."""
    found = {match[1]: shape[-1] for name, shape in shapes.items() if (match := _MIDDLEWARE.fullmatch(name))}
    units = tuple(found[layer] for layer in sorted(found))
    sizes = {shape[0] for name, shape in first.items() if len(shape) == 4 and name != _ALWAYS_SHALLOW}
    return tuple(
        name for name, (kernels, middleware) in _LAYERS.items() if units == middleware and sizes <= kernels
    )
