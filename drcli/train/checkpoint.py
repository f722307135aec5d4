"""Networks as tensors under the variable names and layouts of the original coach graph.

`<N>_Step-<M>.ckpt.safetensors` holds every network of an algorithm; so every export is a plain rewrite. Convolutions
are stored as [height, width, in, out] and dense layers as [in, out], like in TensorFlow. The state of an algorithm, if
it has any, is stored next to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from drcli.config.model_metadata import GREY_CAMERAS
from drcli.errors import DrError
from drcli.sim.sensors.sensor import SensorSpec
from drcli.tables import HEADS
from drcli.train.heads.head import Head
from drcli.train.network import PolicyNetwork

_COUNTERS_KEY = "drcli"
_STATE_SCOPE = "drcli/"  # no variable of coach starts with this


class Checkpoint(NamedTuple):
    """The content of a checkpoint file.

    variables: of the networks; counters: what a stopped run resumes with; state: of the algorithm, if it has any.
    """

    variables: dict[str, Tensor]
    counters: dict[str, object]
    state: dict[str, Tensor]


def to_tensors(network: PolicyNetwork) -> dict[str, Tensor]:
    """Copy all variables of a network to the CPU as float32."""
    return {
        name: value.detach().to("cpu", torch.float32, copy=True, memory_format=torch.contiguous_format)
        for name, value in network.variables()
    }


@torch.no_grad()
def fill(network: PolicyNetwork, variables: Mapping[str, Tensor]) -> None:
    """Load the weights of a checkpoint into a network. Raises DrError if they belong to another model."""
    for name, parameter in network.variables():
        value = variables.get(name)
        if value is None:
            raise DrError(
                f"The checkpoint has no variable {name}.",
                "Its sensor or network differs from model_metadata.json; use the metadata it was trained with.",
            )
        if parameter.shape != value.shape:
            raise DrError(
                f"The checkpoint's {name} has shape {tuple(value.shape)}, the network {tuple(parameter.shape)}.",
                "Its sensor or network differs from model_metadata.json; use the metadata it was trained with.",
            )
        parameter.copy_(value)


def with_camera_of(sensors: Sequence[SensorSpec], variables: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The variables under the name of the model's camera. All that see one grey image are interchangeable.

    `observation` is what FRONT_FACING_CAMERA was called before model_metadata.json had a version.
    """
    (wanted,) = [sensor.name for sensor in sensors if sensor.name in GREY_CAMERAS] or [""]
    found = {name for name in GREY_CAMERAS if any(f"/{name}/" in key for key in variables)}
    if not wanted or wanted in found or len(found) != 1:
        return variables
    (other,) = found
    return {key.replace(f"/{other}/", f"/{wanted}/"): value for key, value in variables.items()}


def check_head(head: Head, scope: str, variables: Mapping[str, Tensor]) -> None:
    """Raise DrError if the policy head in `scope` of a checkpoint does not match `head`: the action spaces differ."""
    stored = ""
    for kind in map(HEADS.load, HEADS):
        kernel = variables.get(f"{scope}/{kind.layer}/kernel")
        if kernel is not None:
            stored = f"{kernel.shape[-1]} {kind.kind} actions"
    if not stored:
        raise DrError("The checkpoint holds no policy head.", "It was written by another kind of trainer.")
    wanted = f"{head.num_outputs} {head.kind} actions"
    if stored != wanted:
        raise DrError(
            f"The checkpoint has {stored}, model_metadata.json {wanted}.",
            "Use the model_metadata.json the model was trained with.",
        )


def pack(
    variables: Mapping[str, Tensor],
    counters: Mapping[str, object],
    state: Mapping[str, Tensor] | None = None,
) -> bytes:
    """Return the content of a checkpoint file."""
    beside = {_STATE_SCOPE + name: tensor.detach().cpu() for name, tensor in (state or {}).items()}
    return save_safetensors(
        {**variables, **beside}, metadata={_COUNTERS_KEY: json.dumps(counters, sort_keys=True)}
    )


def unpack(data: bytes, name: str) -> Checkpoint:
    """Read a checkpoint file; `name` is for messages. Raises DrError if the file is damaged."""
    try:
        tensors = load_safetensors(data)
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        counters = json.loads((metadata or {}).get(_COUNTERS_KEY, "{}"))
        if not isinstance(counters, dict):
            raise ValueError("its counters are no object")
    except (SafetensorError, ValueError, RecursionError) as error:
        raise DrError(
            f"Checkpoint {name} is damaged: {error}", "Use another checkpoint of the model."
        ) from error
    state = {
        key.removeprefix(_STATE_SCOPE): tensors.pop(key) for key in [*tensors] if key.startswith(_STATE_SCOPE)
    }
    return Checkpoint(tensors, counters, state)
