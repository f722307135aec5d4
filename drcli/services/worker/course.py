"""Where a worker drives and by which rules; it builds the worlds for its seats and its exams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drcli.config.race_settings import RaceSettings
from drcli.services.shared.protocol import Evaluate
from drcli.services.shared.seats import Seat
from drcli.sim.reward import RewardFunction
from drcli.sim.tour import Tour
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.sim.worlds import Worlds, side_by_side


@dataclass(frozen=True)
class Course:
    """The tracks of a worker, the rules of its races, and the reward function."""

    tracks: tuple[Track, ...]
    race: RaceSettings
    reward: RewardFunction

    def training(self, seat: Seat, num_cars: int, seed: int) -> World | Worlds:
        """The world of a seat, where its cars collect: divided among the tracks, or, if there are more tracks than
        cars, each on its share of them in turn."""
        race = replace(self.race, restyled_steps=seat.restyled_steps)
        if seat.is_perturbed:
            race = replace(race, spread_starts=True, perturbed_starts=True)
        worlds = [
            World(
                track, race, cars, sensors=seat.sensors, reward=self.reward, record=seat.is_recorded,
                seed=seed + number,
            )
            for number, (track, cars) in enumerate(self._divided(num_cars))
        ]  # fmt: skip
        if num_cars < len(worlds):
            return side_by_side([Tour(worlds[car::num_cars]) for car in range(num_cars)])
        return side_by_side(worlds)

    def exam(self, seat: Seat, task: Evaluate) -> World | Worlds:
        """Episodes spread round the tracks, one for each car: the usual ones first, then the perturbed ones.

        Evaluations of a training are not in the traces (community's rollout_worker.py).
        """
        offset = self.race.start_position_offset + task.part / (task.parts * max(task.episodes, 1))
        usual = replace(self.race, spread_starts=True, start_position_offset=offset % 1.0)
        perturbed = replace(usual, perturbed_starts=True)
        sensors = (*seat.model.sensors, *seat.model.value_sensors)
        worlds = []
        for race, episodes in ((usual, task.episodes), (perturbed, task.perturbed)):
            for number, (track, cars) in enumerate(self._divided(episodes) if episodes else ()):
                world = World(
                    track, race, cars, sensors=sensors, reward=self.reward, record=False, seed=task.part
                )
                world.next_episode = (
                    number + task.part
                )  # where directions alternate, tracks with one car do, too
                worlds.append(world)
        return side_by_side(worlds)

    def num_cars(self, episodes: int) -> int:
        """How many cars are on the tracks for that many episodes."""
        return sum(cars for _, cars in self._divided(episodes))

    def _divided(self, num_cars: int) -> Sequence[tuple[Track, int]]:
        number = len(self.tracks)
        return [
            (track, max(1, num_cars // number + (k < num_cars % number)))
            for k, track in enumerate(self.tracks)
        ]
