"""The experience that SAC learns from: a ring of the last steps, with every picture stored once.

What a car sees after a step is what it sees in its next one: the next row. After the last step of a rollout there is
a row with a picture alone. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drcli.train.rollout import Rollout


class Transitions(NamedTuple):
    """B steps: obs and next_obs by sensor [B, …], actions [B, D], rewards [B], dones [B] (what follows is worth 0)."""

    obs: dict[str, NDArray[Any]]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    dones: NDArray[np.bool_]
    next_obs: dict[str, NDArray[Any]]


class Replay:
    """A ring of `capacity` rows. Memory is taken as it fills."""

    def __init__(self, sensors: Sequence[str], capacity: int) -> None:
        self._sensors = tuple(sensors)
        self._capacity = capacity
        self._obs: dict[str, NDArray[Any]] = {}
        self._actions = np.zeros((0,), np.float32)
        self._rewards = np.zeros(capacity, np.float32)
        self._dones = np.zeros(capacity, np.bool_)
        self._is_step = np.zeros(capacity, np.bool_)
        self._steps: NDArray[np.intp] = np.zeros(0, np.intp)
        self._head = 0

    def __len__(self) -> int:
        """The number of steps to learn from."""
        return len(self._steps)

    def add(self, rollout: Rollout) -> int:
        """Add all steps that count, car by car; returns how many."""
        if not self._obs:
            self._allocate(rollout)
        for car in range(rollout.valid.shape[1]):
            steps = np.flatnonzero(rollout.valid[:, car])
            if len(steps):
                self._add_drive(rollout, car, steps)
        self._steps = np.flatnonzero(self._is_step)
        return rollout.num_steps

    def sample(self, size: int, rng: np.random.Generator) -> Transitions:
        """Draw steps, each with the same probability."""
        rows = self._steps[rng.integers(0, len(self._steps), size)]
        after = (rows + 1) % self._capacity
        return Transitions(
            {name: part[rows] for name, part in self._obs.items()},
            self._actions[rows],
            self._rewards[rows],
            self._dones[rows],
            {name: part[after] for name, part in self._obs.items()},
        )

    def _allocate(self, rollout: Rollout) -> None:
        for name in self._sensors:
            like = rollout.obs[name]
            self._obs[name] = np.zeros((self._capacity, *like.shape[2:]), like.dtype)
        self._actions = np.zeros((self._capacity, *rollout.actions.shape[2:]), np.float32)

    def _add_drive(self, rollout: Rollout, car: int, steps: NDArray[np.intp]) -> None:
        """Add the steps of one car in a row, and what it sees after the last one unless the episode ended there."""
        goes_on = not rollout.dones[steps[-1], car]
        steps = steps[-(self._capacity - 1) :]
        rows = (self._head + np.arange(len(steps))) % self._capacity
        for name in self._sensors:
            self._obs[name][rows] = rollout.obs[name][steps, car]
        self._actions[rows] = rollout.actions[steps, car]
        self._rewards[rows], self._dones[rows] = rollout.rewards[steps, car], rollout.dones[steps, car]
        self._is_step[rows] = True
        self._head = (self._head + len(steps)) % self._capacity
        if goes_on:
            for name in self._sensors:
                self._obs[name][self._head] = rollout.last_obs[name][car]
            self._is_step[self._head] = False
            self._head = (self._head + 1) % self._capacity
