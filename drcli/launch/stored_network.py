"""What the names and shapes in a checkpoint tell about its network, before anything of ours is loaded.

The names are those of the original coach graph, in every engine's checkpoints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from drcli.contract.checkpoint_names import GRAPH, INDEX, NATIVE
from drcli.errors import DrError
from drcli.store.checkpoint_files import CheckpointFiles
from drcli.store.client import Bucket

Shapes = Mapping[str, tuple[int, ...]]

_AGENT = r"main_level/agent/(?:main|policy)/online/network_\d"
_FIRST = re.compile(rf"{_AGENT}/(?!middleware_)([^/]+)/(?:Conv2d|Dense)_0/kernel")
_HEADS = {"ppo_head_0/policy_fc": "discrete", "ppo_head_0/policy_mean": "continuous"}
_SAC = "main_level/agent/policy/"
_MOST_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredNetwork:
    """A network: its sensors and how many channels each image has (0 for numbers), its actions, its algorithm."""

    channels: Mapping[str, int]
    action_space_type: str
    num_outputs: int
    training_algorithm: str
    has_value: bool

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
        if not channels or not (heads or is_sac):
            raise ValueError("it does not have the variables of a DeepRacer model")
        kind, outputs = heads[0] if heads else ("continuous", 2)
        has_value = is_sac or any("/v_values_head_0/" in name for name in shapes)
        return cls(channels, kind, outputs, "sac" if is_sac else "clipped_ppo", has_value)


def read_network(bucket: Bucket, found: CheckpointFiles) -> StoredNetwork:
    """Read it from a checkpoint, without its values where possible. Raises DrError if the checkpoint is damaged."""
    try:
        return StoredNetwork.of(_shapes(bucket, found))
    except ValueError as error:
        raise DrError(
            f"Checkpoint {found.name} cannot be used: {error}.", "Use another checkpoint of the model."
        ) from error


def _shapes(bucket: Bucket, found: CheckpointFiles) -> Shapes:
    from drcli.tensorflow.frozen_graph import read_constants
    from drcli.tensorflow.tensor_bundle import shapes_in

    if found.is_ours:
        return _of_native(bucket.start_of(found.parts[NATIVE].key, _MOST_HEADER_BYTES))
    if INDEX in found.parts:
        return shapes_in(bucket.get(found.parts[INDEX].key))
    constants = read_constants(bucket.get(found.parts[GRAPH].key))
    return {name: value.shape for name, value in constants.items()}


def _of_native(start: bytes) -> Shapes:
    """The header of safetensors: its size in eight bytes, then JSON."""
    size = int.from_bytes(start[:8], "little")
    header = json.loads(start[8 : 8 + size])
    if not isinstance(header, dict):
        raise ValueError("its header is malformed")
    return {name: tuple(entry["shape"]) for name, entry in header.items() if "shape" in entry}
