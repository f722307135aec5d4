"""Fits the value head of a network whose policy was learned without one, before PPO goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from drcli.train.actor_critic import ActorCritic
from drcli.train.algorithms.advantages import GAE_LAMBDA, gae
from drcli.train.rollout import Rollout, flat_index

ROUNDS = 5  # each takes the values of the one before where an episode goes on
RIDGE = 1e-3  # of the features' mean square
CHUNK = 256  # observations at a time


@torch.no_grad()
def fit_value_head(network: ActorCritic, rollouts: Sequence[Rollout], gamma: float) -> None:
    """Set the value head to the ridge regression of returns on the features of its trunk; the trunk stays."""
    features = [_features(network, rollout.obs) for rollout in rollouts]
    last = [_features(network, rollout.last_obs) for rollout in rollouts]
    where = [flat_index(rollout) for rollout in rollouts]
    counted = np.concatenate([part[index] for part, index in zip(features, where, strict=True)])
    square = counted.T @ counted
    square += RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    weights = np.zeros(counted.shape[1])
    for _ in range(ROUNDS):
        valued = [
            replace(rollout, extras=_values(part @ weights), last_extras=_values(end @ weights))
            for rollout, part, end in zip(rollouts, features, last, strict=True)
        ]
        targets = [gae(rollout, gamma, GAE_LAMBDA)[1] for rollout in valued]
        wanted = np.concatenate([part[index] for part, index in zip(targets, where, strict=True)])
        weights = np.linalg.solve(square, counted.T @ wanted)
    network.value.weight.copy_(torch.from_numpy(weights[:-1]))
    network.value.bias.fill_(float(weights[-1]))


def _features(network: ActorCritic, obs: dict[str, np.ndarray]) -> np.ndarray:
    """float64 [..., features + 1] for observations [..., *sensor.shape]; the last is the constant 1."""
    axes = {embedder.sensor: embedder.num_axes for embedder in network.value_trunk.embedders}
    name = next(iter(axes))
    outer = obs[name].shape[: obs[name].ndim - axes[name]]
    flat = {name: torch.from_numpy(np.array(obs[name])).flatten(0, len(outer) - 1) for name in axes}
    device = network.value.weight.device
    parts = [
        network.value_features({name: part[at : at + CHUNK].to(device) for name, part in flat.items()})
        for at in range(0, int(np.prod(outer)), CHUNK)
    ]
    features = torch.cat(parts).double().cpu().numpy()
    return np.concatenate([features, np.ones((len(features), 1))], -1).reshape(*outer, -1)


def _values(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"values": values.astype(np.float32)}
