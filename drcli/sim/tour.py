"""A car that drives on several tracks in turn, where there are more tracks than cars: each episode on the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from drcli.contract.episode import Episode
from drcli.sim.car_arrays import Bools
from drcli.sim.sensors.sensor import Observations
from drcli.sim.step import Label
from drcli.sim.world import Transition, World


class Tour:
    """One car in one of `worlds` at a time, each with a single car; `Worlds` drives it like a `World`.

    Episode `n` is driven in world `n` modulo their number. Each world counts its own episodes, so that its starts
    advance and its directions alternate; what leaves here has the tour's numbers, rows of traces, too.

    Raises:
        ValueError: there is no world, one of them has several cars, or they differ in their sensors.
    """

    num_envs = 1

    def __init__(self, worlds: Sequence[World]) -> None:
        if not worlds or any(world.num_envs != 1 for world in worlds):
            raise ValueError("worlds with one car each")
        if any(world.sensors != worlds[0].sensors for world in worlds):
            raise ValueError("worlds with different sensors")
        self.worlds = tuple(worlds)
        self.sensors = worlds[0].sensors
        self.active = np.zeros(1, np.bool_)
        self._at = self.worlds[0]
        self._visited: set[World] = set()
        self._next_episode = 0
        self._shift = 0  # number of the present episode minus that in its world
        self._quota: int | None = None  # of the last reset
        self._left: int | None = None  # of it
        self._obs: Observations = {
            spec.name: np.zeros((1, *spec.shape), spec.dtype) for spec in self.sensors
        }  # of the end, for a car that has driven its quota

    @property
    def next_episode(self) -> int:
        """The number of the next episode that starts. To resume a run, set it before a reset."""
        return self._next_episode

    @next_episode.setter
    def next_episode(self, number: int) -> None:
        self._next_episode = number
        count = len(self.worlds)
        for i, world in enumerate(self.worlds):
            world.next_episode = number // count + (i < number % count)
        self._visited.clear()

    @property
    def current(self) -> World:
        """The world where the car drives now."""
        return self._at

    @property
    def reward_ms(self) -> float:
        """That of the world where it is highest."""
        return max(world.reward_ms for world in self.worlds)

    def shares(self, episodes: int) -> list[int]:
        """All of them are this car's."""
        return [episodes]

    def reset(
        self,
        *,
        seed: int | None = None,
        episodes_per_car: Sequence[int] | None = None,
        cars: npt.NDArray[np.bool_] | None = None,
    ) -> Observations:
        """Restart on the next track; see `World.reset`. The seed is that of all worlds."""
        if seed is not None:
            for world in self.worlds:
                world.seed = seed
        if cars is None:
            self._quota = None if episodes_per_car is None else episodes_per_car[0]
        if cars is None or cars[0]:
            self._left = self._quota
            self._start()
        return self._obs

    def park(self, cars: Bools) -> None:
        """Break off the episode if `cars` `[1]` is set; see `World.park`."""
        self._at.park(cars)
        self.active &= ~cars

    def step(self, actions: npt.ArrayLike, labels: Sequence[Label] | None = None) -> Transition:
        """See `World.step`."""
        now = self._at.step(actions, labels)
        self._obs = now.obs
        episodes = [self._numbered(episode) for episode in now.episodes]
        if (now.terminated | now.truncated)[0]:
            self._start()
        return now._replace(obs=self._obs, episodes=episodes)

    def _start(self) -> None:
        """Start the next episode, in the next world, if any is left to drive."""
        self.active[0] = self._left != 0
        if self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        self._at = self.worlds[self._next_episode % len(self.worlds)]
        self._shift = self._next_episode - self._at.next_episode
        self._next_episode += 1
        is_first = self._at not in self._visited  # later resets leave it to the world where to start
        self._visited.add(self._at)
        self._obs = (
            self._at.reset(episodes_per_car=[1]) if is_first else self._at.reset(cars=np.ones(1, np.bool_))
        )

    def _numbered(self, episode: Episode) -> Episode:
        rows = [row._replace(episode=row.episode + self._shift) for row in episode.rows]
        return replace(episode, number=episode.number + self._shift, rows=rows)
