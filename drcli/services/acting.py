"""From model metadata and hyperparameters to what acts and learns: actions, policy head, exploration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drcli.config.engine import check_supported as check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.train.network import PolicySpec
from drcli.train.ppo import Hyper


class Commands(NamedTuple):
    """What K cars are told: steering_deg, speed_mps float64 [K], and the actions as traces name them."""

    steering_deg: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    labels: Sequence[int | str]


class ActionSpace:
    """Turns what the policy puts out into steering angles and speeds, unclipped, as metadata has them."""

    def __init__(self, metadata: ModelMetadata) -> None:
        if metadata.discrete is not None:
            self._table = np.array([(a.steering_angle_deg, a.speed_mps) for a in metadata.discrete])
            self.spec = PolicySpec(len(self._table))
        else:
            assert metadata.continuous is not None
            bounds = (metadata.continuous.steering_angle_deg, metadata.continuous.speed_mps)
            self._low = np.array([b.low for b in bounds])
            self._high = np.array([b.high for b in bounds])
            self.spec = PolicySpec(2, is_continuous=True)

    def commands(self, actions: NDArray[np.int64] | NDArray[np.float32]) -> Commands:
        """Of int64 [K] indexes, or float32 [K, 2] in [-1, 1] (steering, speed)."""
        if not self.spec.is_continuous:
            chosen = self._table[actions]
            return Commands(chosen[:, 0], chosen[:, 1], actions.tolist())
        chosen = self._low + (actions + 1.0) / 2.0 * (self._high - self._low)
        return Commands(
            chosen[:, 0], chosen[:, 1], [f"[{steering} {speed}]" for steering, speed in chosen.tolist()]
        )


def hyper(parameters: Hyperparameters) -> Hyper:
    """What the learner reads of hyperparameters.json."""
    return Hyper(
        batch_size=parameters.batch_size,
        num_epochs=parameters.num_epochs,
        lr=parameters.lr,
        discount_factor=parameters.discount_factor,
        beta_entropy=parameters.beta_entropy,
        is_huber=parameters.loss_type == "huber",
    )
