"""Several worlds driven as one vectorised environment: the same policy on several tracks, or under several rules.

A worker drives it in place of a `World`; the worlds themselves do not know of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from drcli.contract.episode import Episode
from drcli.sim.car_arrays import Bools
from drcli.sim.sensors.sensor import Observations
from drcli.sim.step import Label
from drcli.sim.tour import Tour
from drcli.sim.world import Transition, World


class Worlds:
    """The cars of several worlds or tours, one after the other: `cars_of[i]` are those of `worlds[i]`.

    Everything is as in a `World`, car by car. A world whose cars are all parked is not stepped.

    Each world counts its own episodes, so that its starts advance and its directions alternate. What leaves here is
    numbered over all of them, in the order in which episodes start and in that of the cars; rows of traces, too.

    Raises:
        ValueError: there is no world, or they differ in their sensors.
    """

    def __init__(self, worlds: Sequence[World | Tour]) -> None:
        if not worlds:
            raise ValueError("no worlds")
        if any(world.sensors != worlds[0].sensors for world in worlds):
            raise ValueError("worlds with different sensors")
        self.worlds = tuple(worlds)
        self.sensors = worlds[0].sensors
        ends = np.cumsum([world.num_envs for world in worlds]).tolist()
        self.cars_of = tuple(map(slice, [0, *ends], ends))
        self.num_envs: int = ends[-1]
        self._next_episode = sum(world.next_episode for world in worlds)
        self._shifts = np.zeros(
            self.num_envs, np.int64
        )  # [K] number of a car's episode here minus that in its world
        self._obs = {
            spec.name: np.zeros((self.num_envs, *spec.shape), spec.dtype) for spec in self.sensors
        }  # the last ones, also of worlds that are no longer stepped

    @property
    def active(self) -> Bools:
        """Whether each car drives, `[K]`; the others are parked."""
        return np.concatenate([world.active for world in self.worlds])

    @property
    def reward_ms(self) -> float:
        """That of the world where it is highest."""
        return max(world.reward_ms for world in self.worlds)

    @property
    def next_episode(self) -> int:
        """The number of the next episode that starts. To resume a run, set it before a reset.

        Each world then continues as if it had started its share of the earlier ones, by its number of cars.
        """
        return self._next_episode

    @next_episode.setter
    def next_episode(self, number: int) -> None:
        self._next_episode = number
        for world in self.worlds:
            world.next_episode = number * world.num_envs // self.num_envs

    def reset(
        self,
        *,
        seed: int | None = None,
        episodes_per_car: Sequence[int] | None = None,
        cars: npt.NDArray[np.bool_] | None = None,
    ) -> Observations:
        """Restart all cars, or only `cars` `[K]`; see `World.reset`. The worlds get the seeds `seed`, `seed` + 1, …"""
        for i, (world, own) in enumerate(zip(self.worlds, self.cars_of, strict=True)):
            first = world.next_episode
            chosen = np.ones(world.num_envs, np.bool_) if cars is None else cars[own]
            obs = world.reset(
                seed=None if seed is None else seed + i,
                episodes_per_car=None if episodes_per_car is None else episodes_per_car[own],
                cars=None if cars is None else chosen,
            )
            self._number(own, world, first, chosen & world.active)
            self._see(own, obs)
        return self._seen()

    def shares(self, episodes: int) -> list[int]:
        """How many of so many episodes each car drives. Worlds take turns, from one call to the next, too."""
        turns = sorted(
            (k - own.start, number, k)
            for number, own in enumerate(self.cars_of)
            for k in range(own.start, own.stop)
        )
        counts = [0] * self.num_envs
        for episode in range(self._next_episode, self._next_episode + episodes):
            counts[turns[episode % self.num_envs][2]] += 1
        return counts

    def park(self, cars: Bools) -> None:
        """Break off the episodes of `cars` `[K]`; see `World.park`."""
        for world, own in zip(self.worlds, self.cars_of, strict=True):
            world.park(cars[own])

    def step(self, actions: npt.ArrayLike, labels: Sequence[Label] | None = None) -> Transition:
        """Drive for 1/15 s; see `World.step`. In worlds that are not stepped, rewards are 0 and nothing ends."""
        actions = np.asarray(actions, np.float64)
        rewards = np.zeros(self.num_envs, np.float32)
        terminated, truncated = np.zeros((2, self.num_envs), np.bool_)
        episodes: list[Episode] = []
        for world, own in zip(self.worlds, self.cars_of, strict=True):
            if not world.active.any():
                continue
            first, driven = world.next_episode, world.active.copy()
            now = world.step(actions[own], None if labels is None else labels[own])
            rewards[own], terminated[own], truncated[own] = now.rewards, now.terminated, now.truncated
            episodes += [self._numbered(episode, own.start) for episode in now.episodes]
            self._number(own, world, first, driven & (now.terminated | now.truncated) & world.active)
            self._see(own, now.obs)
        return Transition(self._seen(), rewards, terminated, truncated, episodes)

    def _number(self, own: slice, world: World | Tour, first: int, started: Bools) -> None:
        """Give numbers to the episodes that cars of a world have just `started`, whose own numbers begin at `first`."""
        self._shifts[own][started] = self._next_episode - first
        self._next_episode += world.next_episode - first

    def _numbered(self, episode: Episode, first_car: int) -> Episode:
        car = first_car + episode.car
        shift = int(self._shifts[car])
        rows = [row._replace(episode=row.episode + shift) for row in episode.rows] if shift else episode.rows
        return replace(episode, car=car, number=episode.number + shift, rows=rows)

    def _see(self, own: slice, obs: Observations) -> None:
        for name, values in obs.items():
            self._obs[name][own] = values

    def _seen(self) -> Observations:
        return {name: values.copy() for name, values in self._obs.items()}


def side_by_side(worlds: Sequence[World | Tour]) -> World | Worlds:
    """The worlds as one environment; a single one stays as it is."""
    alone = worlds[0] if len(worlds) == 1 else None
    return alone if isinstance(alone, World) else Worlds(worlds)
