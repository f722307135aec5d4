"""Networks as tensors under the variable names and layouts of the original coach graph.

`<N>_Step-<M>.ckpt.safetensors` holds both networks, `network_0` (value) and `network_1` (policy), also when
one trunk serves both; so every export is a plain rewrite. Convolutions are stored [height, width, in, out],
dense layers [in, out], as TensorFlow has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from drcli.errors import DrError
from drcli.train.network import ActorCritic, PolicySpec, Trunk

_ROOT = "main_level/agent/main/online"
_VALUE, _POLICY = f"{_ROOT}/network_0", f"{_ROOT}/network_1"
_RESCALER = "gradients_from_head_0-0_rescalers"  # identity in the forward pass; a variable all the same
_VALUE_HEAD = f"{_VALUE}/v_values_head_0/output"
_LOG_STD = f"{_POLICY}/ppo_head_0/policy_log_std"
_STATE_KEY = "drcli"


def _policy_head(is_continuous: bool) -> str:
    return f"{_POLICY}/ppo_head_0/{'policy_mean' if is_continuous else 'policy_fc'}"


def _layers(network: ActorCritic, sensor: str) -> Iterator[tuple[str, nn.Conv2d | nn.Linear]]:
    """Every layer by its variable scope; a shared trunk comes twice."""
    trunks: tuple[tuple[str, Trunk], ...] = ((_VALUE, network.value_trunk), (_POLICY, network.policy_trunk))
    for scope, trunk in trunks:
        yield f"{scope}/{sensor}/Conv2d_0", trunk.conv0
        yield f"{scope}/{sensor}/Conv2d_2", trunk.conv2
        yield f"{scope}/{sensor}/Conv2d_4", trunk.conv4
        yield f"{scope}/middleware_fc_embedder/Dense_0", trunk.dense
    yield _VALUE_HEAD, network.value
    yield _policy_head(network.spec.is_continuous), network.policy


def to_tensors(network: ActorCritic, sensor: str) -> dict[str, Tensor]:
    """All variables of the coach graph, float32 on the CPU, detached copies.

    sensor: the camera's name in model_metadata.json, part of the variable names.
    """
    tensors = {f"{scope}/{_RESCALER}": torch.tensor(1.0) for scope in (_VALUE, _POLICY)}
    for scope, layer in _layers(network, sensor):
        weight = layer.weight.detach().float().cpu()
        order = (2, 3, 1, 0) if isinstance(layer, nn.Conv2d) else (1, 0)
        tensors[f"{scope}/kernel"] = weight.permute(order).clone(memory_format=torch.contiguous_format)
        tensors[f"{scope}/bias"] = _bias(layer).detach().float().cpu().clone()
    if network.spec.is_continuous:
        tensors[_LOG_STD] = network.log_std.detach().float().cpu().clone()
    return tensors


def from_tensors(tensors: Mapping[str, Tensor], sensor: str) -> ActorCritic:
    """The network a checkpoint holds; one trunk when both are equal. DrError when tensors do not fit."""
    is_continuous = f"{_policy_head(True)}/kernel" in tensors
    head = tensors.get(f"{_policy_head(is_continuous)}/kernel")
    if head is None:
        raise DrError("The checkpoint holds no policy head.", "It was written by another kind of trainer.")
    trunk_names = [
        name.removeprefix(_VALUE) for name in tensors if name.startswith(f"{_VALUE}/") and "Conv2d" in name
    ]
    is_shared = all(torch.equal(tensors[_VALUE + n], tensors[_POLICY + n]) for n in trunk_names)
    network = ActorCritic(PolicySpec(head.shape[1], is_continuous), is_shared, is_blank=True)
    with torch.no_grad():
        for scope, layer in _layers(network, sensor):
            kernel = _take(tensors, f"{scope}/kernel")
            order = (3, 2, 0, 1) if isinstance(layer, nn.Conv2d) else (1, 0)
            _fill(layer.weight, kernel.permute(order), f"{scope}/kernel")
            _fill(_bias(layer), _take(tensors, f"{scope}/bias"), f"{scope}/bias")
        if is_continuous:
            _fill(network.log_std, _take(tensors, _LOG_STD), _LOG_STD)
    return network


def _bias(layer: nn.Conv2d | nn.Linear) -> Tensor:
    assert layer.bias is not None, "every layer of the coach graph has a bias"
    return layer.bias


def _take(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in tensors:
        raise DrError(
            f"The checkpoint has no variable {name}.",
            "Its sensor or network differs from model_metadata.json; use the metadata it was trained with.",
        )
    return tensors[name]


def _fill(parameter: Tensor, value: Tensor, name: str) -> None:
    if parameter.shape != value.shape:
        raise DrError(
            f"The checkpoint's {name} has shape {tuple(value.shape)}, the network {tuple(parameter.shape)}.",
            "Its action space or network differs from model_metadata.json.",
        )
    parameter.copy_(value)


def pack(tensors: dict[str, Tensor], state: Mapping[str, object]) -> bytes:
    """A checkpoint file: tensors, and the counters a stopped run continues with."""
    return save_safetensors(tensors, metadata={_STATE_KEY: json.dumps(state, sort_keys=True)})


def unpack(data: bytes, name: str) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Tensors and counters of a checkpoint file. DrError when the file is damaged."""
    try:
        tensors = load_safetensors(data)
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        return tensors, json.loads(metadata.get(_STATE_KEY, "{}"))
    except (SafetensorError, ValueError) as error:
        raise DrError(
            f"Checkpoint {name} is damaged: {error}", "Use another checkpoint of the model."
        ) from error
