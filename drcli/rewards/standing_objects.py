"""What a race puts on the road, for poses that no car drives to: it stands where an episode starts with it."""

from __future__ import annotations

from collections.abc import Sequence

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Status
from drcli.sim.car_dynamics import CarState
from drcli.sim.races.race_type import EpisodeStart, Race
from drcli.sim.reward_params import Params
from drcli.sim.telemetry import Telemetry
from drcli.sim.track import Track
from drcli.tables import RACES


def has_objects(track: Track, race: RaceSettings) -> bool:
    """Whether a race puts anything on the road. Raises DrError if it cannot take place there."""
    return bool(RACES.load(race.race_type).params_at_start(track, race))


class StandingObjects:
    """The objects of K cars."""

    def __init__(self, track: Track, race: RaceSettings, cars: int) -> None:
        self._race: Race = RACES.load(race.race_type)(track, race, cars)
        for k in range(cars):
            self._race.start(k, EpisodeStart(0, 0.0, race.reverse_dir, 0))

    def params(self, cars: CarState, at: Telemetry) -> Sequence[Params]:
        """What the race adds to the params of each car, with `is_crashed` if it stands in one of them."""
        added = self._race.reward_params(cars, at)
        if added is None:
            return [{}] * len(at.progress)
        crashed = self._race.faults(cars, at) == Status.CRASHED.code
        return [params | {"is_crashed": hit} for params, hit in zip(added, crashed.tolist(), strict=True)]
