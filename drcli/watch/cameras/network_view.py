"""What the network of the last checkpoint makes of a state: its actions, how probable each is, where it looks.

torch is imported with the first question. The worker itself may drive with a policy that is an iteration newer.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drcli.config.model_metadata import ModelMetadata
from drcli.contract.keys import ModelKeys
from drcli.contract.live_state import LiveState
from drcli.errors import DrError
from drcli.services.shared.environment import Environment
from drcli.store.checkpoints import choose_checkpoint
from drcli.store.client import Bucket

if TYPE_CHECKING:
    from drcli.train.policy_insight import PolicyInsight

_REFRESH_S = 15.0


@dataclass(frozen=True)
class Opinion:
    """A list of actions with their probabilities; or mean and standard deviation of steering (degrees) and speed."""

    actions: tuple[str, ...] | None = None
    probabilities: tuple[float, ...] | None = None
    mean: tuple[float, float] | None = None
    std: tuple[float, float] | None = None


class NetworkView:
    """The network of the run's model, of its last checkpoint; looked for again every quarter of a minute."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._looked = -_REFRESH_S
        self._name = ""
        self._actions: tuple[str, ...] | None = None
        self._policy: PolicyInsight | None = None

    def opinion(self, state: LiveState) -> Opinion:
        """What it would do; empty without a checkpoint, and for another model of a race."""
        with self._lock:
            policy = self._current(state)
            if policy is None:
                return Opinion()
            if self._actions is not None:
                return Opinion(self._actions, tuple(policy.probabilities(_seen(state))))
            mean, std = policy.spread(_seen(state))
            return Opinion(mean=(mean[0], mean[1]), std=(std[0], std[1]))

    def attention(self, state: LiveState) -> npt.NDArray[np.float32] | None:
        """Where it looks in its camera's picture, 0 to 1, coarser than that; None if it cannot be said."""
        with self._lock:
            policy = self._current(state)
            return None if policy is None else policy.attention(_seen(state))

    def _current(self, state: LiveState) -> PolicyInsight | None:
        """The policy, if it is that of the watched car."""
        if state.cars[state.car].place != 0:
            return None
        if time.monotonic() - self._looked > _REFRESH_S:
            self._looked = time.monotonic()
            with suppress(DrError):
                self._load()
        return self._policy

    def _load(self) -> None:
        bucket, keys = Bucket(self._environment.store), ModelKeys(self._environment.prefix)
        chosen = choose_checkpoint(bucket, keys, "last")
        if str(chosen.name) == self._name:
            return
        metadata = ModelMetadata.parse(bucket.get(keys.model_metadata).decode(), keys.model_metadata)
        files = chosen.read(bucket)
        if files is None:  # deleted meanwhile
            return
        from drcli.train.policy_insight import PolicyInsight

        self._policy = PolicyInsight(metadata, files, str(chosen.name))
        self._name = str(chosen.name)
        self._actions = None
        if metadata.discrete is not None:
            self._actions = tuple(
                f"steering {each.steering_angle_deg:g}°, {each.speed_mps:g} m/s" for each in metadata.discrete
            )


def _seen(state: LiveState) -> dict[str, npt.NDArray[Any]]:
    return {
        name: np.frombuffer(reading.data, reading.dtype).reshape(reading.shape)
        for name, reading in state.readings.items()
    }
