"""The experience of one worker: T steps of K cars, in preallocated arrays that are written in place.

NumPy only, so that it is sent and received as it is. Parked cars do not drive: `valid` marks the steps that count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drcli.sim.sensors.sensor import SensorSpec

if TYPE_CHECKING:
    from drcli.train.model import ModelSpec

_GROUPS = ("obs", "extras", "last_obs", "last_extras")
_PLAIN = ("actions", "rewards", "dones", "valid")
_SEPARATOR = "/"


class Decision(NamedTuple):
    """actions: [K, *action_shape]; extras: what the algorithm needs back for learning, by name, float32 [K]."""

    actions: NDArray[Any]
    extras: dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Rollout:
    """The experience from one assignment.

    obs: by sensor, [T, K, *sensor.shape]; actions int64 [T, K] or float32 [T, K, D]; rewards float32 [T, K];
    dones bool [T, K] (the episode ended with this step); valid bool [T, K]; extras: by name, float32 [T, K];
    last_obs, last_extras: what each car sees next, and the extras of the actor for it, [K, …].
    """

    obs: dict[str, NDArray[Any]]
    actions: NDArray[Any]
    rewards: NDArray[np.float32]
    dones: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    extras: dict[str, NDArray[np.float32]]
    last_obs: dict[str, NDArray[Any]]
    last_extras: dict[str, NDArray[np.float32]]

    @property
    def num_steps(self) -> int:
        """The number of steps that count, over all cars."""
        return int(np.count_nonzero(self.valid))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays under flat names such as `rewards` or `obs/FRONT_FACING_CAMERA`; not copied."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        grouped = {
            f"{group}{_SEPARATOR}{name}": array
            for group in _GROUPS
            for name, array in getattr(self, group).items()
        }
        return {**plain, **grouped}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Rollout:
        """The inverse of `arrays`. Raises ValueError if a name is missing or unknown."""
        missing = [name for name in _PLAIN if name not in arrays]
        groups = tuple(name + _SEPARATOR for name in _GROUPS)
        unknown = [key for key in arrays if key not in _PLAIN and not key.startswith(groups)]
        if missing or unknown:
            raise ValueError(f"a rollout has {', '.join(_PLAIN)}, and {_GROUPS} by name; not {unknown}")

        def group(of: str) -> dict[str, NDArray[Any]]:
            start = of + _SEPARATOR
            return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}

        return cls(
            obs=group("obs"),
            actions=arrays["actions"],
            rewards=arrays["rewards"],
            dones=arrays["dones"],
            valid=arrays["valid"],
            extras=group("extras"),
            last_obs=group("last_obs"),
            last_extras=group("last_extras"),
        )


@dataclass(frozen=True)
class RolloutSpec:
    """The arrays in the rollouts of a run; extras: the names that its algorithm needs back."""

    sensors: tuple[SensorSpec, ...]
    action_shape: tuple[int, ...]
    action_dtype: np.dtype[Any]
    extras: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, model: ModelSpec, extras: tuple[str, ...], watched: tuple[SensorSpec, ...] = ()
    ) -> RolloutSpec:
        """The spec for a model, an algorithm with these extras, and sensors that are recorded beside the model's."""
        sensors = (*model.sensors, *model.value_sensors, *watched)
        return cls(sensors, model.head.action_shape, model.head.action_dtype, extras)

    def zeros(self, num_steps: int, num_cars: int) -> Rollout:
        """An empty rollout of `num_steps` steps: no car has driven."""
        steps = num_steps, num_cars
        return Rollout(
            obs={each.name: np.zeros((*steps, *each.shape), each.dtype) for each in self.sensors},
            actions=np.zeros((*steps, *self.action_shape), self.action_dtype),
            rewards=np.zeros(steps, np.float32),
            dones=np.zeros(steps, np.bool_),
            valid=np.zeros(steps, np.bool_),
            extras={name: np.zeros(steps, np.float32) for name in self.extras},
            last_obs={each.name: np.zeros((num_cars, *each.shape), each.dtype) for each in self.sensors},
            last_extras={name: np.zeros(num_cars, np.float32) for name in self.extras},
        )

    def check(self, rollout: Rollout) -> None:
        """Raise ValueError, with the name of the array, if types or shapes differ, or if no step counts."""
        arrays, (num_steps, num_cars) = rollout.arrays(), rollout.rewards.shape
        wanted = self.zeros(0, 1).arrays()  # for one car, as the number of cars is not checked yet
        if arrays.keys() != wanted.keys():
            raise ValueError(f"a rollout of {sorted(arrays)}, not of {sorted(wanted)}")
        for name, array in arrays.items():
            shape = (num_cars, *wanted[name].shape[1:])
            if not name.startswith("last_"):
                shape = (num_steps, num_cars, *wanted[name].shape[2:])
            if (array.dtype, array.shape) != (wanted[name].dtype, shape):
                raise ValueError(f"{name} is {array.dtype} {array.shape}")
        if not rollout.valid.any():
            raise ValueError("a rollout without a step that counts")


class RolloutBuffer:
    """Collects steps one by one; has room for `capacity` steps at first and doubles when it is full."""

    def __init__(self, spec: RolloutSpec, num_cars: int, capacity: int = 64) -> None:
        self.num_steps = 0  # that count, over all cars
        self._spec = spec
        self._num_cars = num_cars
        self._rows = 0
        self._room = spec.zeros(max(capacity, 1), num_cars)

    def add(
        self,
        cars: NDArray[np.intp],
        obs: Mapping[str, NDArray[Any]],
        decision: Decision,
        rewards: NDArray[np.float32],
        dones: NDArray[np.bool_],
    ) -> None:
        """Add a step of `cars` [N]: what they saw [N, …] and decided [N, …], and rewards and dones [K] of all cars."""
        if self._rows == len(self._room.valid):
            self._grow()
        room, row = self._room, self._rows
        at = slice(None) if len(cars) == self._num_cars else cars
        for name, part in room.obs.items():
            part[row, at] = obs[name]
        for name, part in room.extras.items():
            part[row, at] = decision.extras[name]
        room.actions[row, at] = decision.actions
        room.rewards[row, at], room.dones[row, at] = rewards[at], dones[at]
        room.valid[row, at] = True
        self._rows += 1
        self.num_steps += len(cars)

    def rollout(
        self, last_obs: Mapping[str, NDArray[Any]], last_extras: Mapping[str, NDArray[np.float32]]
    ) -> Rollout:
        """The steps so far, as views of the buffer, valid until the next `add`. `last_…`: [K, …], of the next step."""
        room, rows = self._room, self._rows
        return Rollout(
            obs={name: part[:rows] for name, part in room.obs.items()},
            actions=room.actions[:rows],
            rewards=room.rewards[:rows],
            dones=room.dones[:rows],
            valid=room.valid[:rows],
            extras={name: part[:rows] for name, part in room.extras.items()},
            last_obs={name: last_obs[name] for name in room.obs},
            last_extras={name: last_extras[name] for name in room.extras},
        )

    def _grow(self) -> None:
        old = self._room
        self._room = self._spec.zeros(2 * self._rows, self._num_cars)
        for name, part in self._room.arrays().items():
            if not name.startswith("last_"):
                part[: self._rows] = old.arrays()[name]


def flat_index(rollout: Rollout) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The index (step, car) of all steps that count, car by car: `rollout.rewards[index]` is [N]."""
    cars, steps = np.nonzero(rollout.valid.T)
    return steps, cars
