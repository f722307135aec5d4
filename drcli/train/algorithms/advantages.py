"""Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drcli.train.rollout import Rollout

GAE_LAMBDA = 0.95  # of the community's engine (rl_coach `clipped_ppo_agent.py`)

FloatArray = NDArray[np.float32]


def gae(rollout: Rollout, gamma: float, lam: float) -> tuple[FloatArray, FloatArray]:
    """Generalised advantage estimates and value targets (advantage + value), float32 [T, K] each.

    The value after the end of an episode is 0, regardless of how it ended (as in the community's engine).
    """
    rewards, values = rollout.rewards.astype(np.float64), rollout.extras["values"].astype(np.float64)
    advantages = np.zeros(rewards.shape)
    next_value = rollout.last_extras["values"].astype(np.float64)
    running = np.zeros_like(next_value)
    for t in range(len(rewards) - 1, -1, -1):
        goes_on, valid = ~rollout.dones[t], rollout.valid[t]
        delta = rewards[t] + gamma * np.where(goes_on, next_value, 0.0) - values[t]
        running = np.where(valid, delta + gamma * lam * np.where(goes_on, running, 0.0), running)
        next_value = np.where(valid, values[t], next_value)
        advantages[t] = running
    result = advantages.astype(np.float32)
    return result, result + rollout.extras["values"]
