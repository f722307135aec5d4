"""Real params for a reward function: recorded while a driver without a model drives the chosen track in the simulator.

Each episode starts at the start line and keeps its order, since half of all functions remember earlier steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import dist
from typing import NamedTuple

from drcli.config.model_metadata import ModelMetadata
from drcli.config.race_settings import RaceSettings
from drcli.rewards.dodging import ATTENTIVE, Dodging, Lapse, way_of
from drcli.rewards.drives import FROM_THE_LINE, drivable, ways_on
from drcli.rewards.road_lines import beside, leaving
from drcli.rewards.standing_objects import has_objects
from drcli.sim.reward_params import Params
from drcli.sim.step_rewards import CarReward
from drcli.sim.track import Array, Track
from drcli.sim.world import World

_LATERAL_MPS2 = (5.0, 3.0, 2.0)
_BORDER = 0.4  # share of the width beside the centre line
_LEAVES_PCT = 15.0  # of the lap
_FEW = 45  # steps, of the episodes that only show a place
_MOST_STEPS = 4000
_RACE = "OBJECT_AVOIDANCE"
_BOXES = 6  # on the road, on alternating lanes, evenly over the lap
_BOX_EVERY_M = 3.0  # fewer on a short track


class Call(NamedTuple):
    """What the function is called with: params, and the simulated clock."""

    params: Params
    time_s: float

    def copy(self) -> Params:
        """Params that may be changed."""
        return {key: value.copy() if isinstance(value, list) else value for key, value in self.params.items()}


class EpisodeCalls(NamedTuple):
    """The calls of an episode in their order; `shown` names some of them by their number."""

    calls: list[Call]
    shown: dict[str, int]


def driven_calls(
    track: Track, speed_mps: float, metadata: ModelMetadata | None, race: RaceSettings = FROM_THE_LINE
) -> list[EpisodeCalls]:
    """Six episodes: a lap, along both borders, off the road, in the opposite direction, into an object.

    All but the last are those of `race`, with what it has on the road; if that is nothing, the last one is past boxes.
    Commands are those of the driver, rounded to the nearest action of the model if it has a list of actions.
    """

    def record(
        places: Sequence[float | None], race: RaceSettings, lapse: Lapse = ATTENTIVE
    ) -> list[list[Call]]:
        return _record(track, places, speed_mps, race, metadata, lapse)

    lap, left, right, out = record([0.0, _BORDER, -_BORDER, None], race)
    (against,) = record([0.0], replace(race, reverse_dir=not race.reverse_dir))
    if not has_objects(track, race):
        own = {"NUMBER_OF_OBSTACLES": str(max(1, min(_BOXES, int(track.length_m / _BOX_EVERY_M))))}
        race = replace(race, race_type=_RACE, own=own)
    (into,) = record([0.0], race, Lapse(0.0, aims=True))
    return [
        _whole_lap(lap),
        _beside("beside the left border", left),
        _beside("beside the right border", right),
        EpisodeCalls(out, {"off the track": len(out) - 1}),
        EpisodeCalls(against[:_FEW], {"in the opposite direction": len(against[:_FEW]) - 1}),
        _up_to_a_crash(into),
    ]


def _whole_lap(calls: list[Call]) -> EpisodeCalls:
    shown = {"at the start": 0, "half way round": len(calls) // 2}
    if calls[-1].params["progress"] >= 100.0:
        shown["at the finish"] = len(calls) - 1
    return EpisodeCalls(calls, shown)


def _beside(name: str, calls: list[Call]) -> EpisodeCalls:
    """The first seconds; the place is the one that is furthest from the centre line."""
    calls = calls[:_FEW]
    return EpisodeCalls(
        calls, {name: max(range(len(calls)), key=lambda number: calls[number].params["distance_from_center"])}
    )


def _up_to_a_crash(calls: list[Call]) -> EpisodeCalls:
    """Up to the object that the car comes nearest to; it crashes there, if it has not done so by itself."""
    calls = [call for call in calls if not call.params["is_crashed"]]
    nearest = min(range(len(calls)), key=lambda number: _gap(calls[number].params))
    calls = calls[: nearest + 1]
    crash = calls[-1]._replace(params={**calls[-1].params, "is_crashed": True})
    return EpisodeCalls([*calls, crash], {"next to an object": nearest, "crashed into it": nearest + 1})


def _record(
    track: Track,
    places: Sequence[float | None],
    speed_mps: float,
    settings: RaceSettings,
    metadata: ModelMetadata | None,
    lapse: Lapse,
) -> list[list[Call]]:
    """The calls of episodes beside the centre line (shares of the width; None: off the road), side by side."""
    way = way_of(track, settings)
    lines = [leaving(way, _LEAVES_PCT / 100.0) if place is None else beside(way, place) for place in places]
    ways = [ways_on(line, speed_mps, _LATERAL_MPS2) for line in lines]
    recorder = _Recorder()
    world = World(track, settings, len(lines), sensors=(), reward=recorder, record=False)
    world.reset(episodes_per_car=[1] * len(lines))
    driver = Dodging(
        world,
        drivable(track, ways, settings),
        [Lapse(_LEAVES_PCT, aims=False) if place is None else lapse for place in places],
    )
    nearest = _Nearest(metadata)
    for _ in range(_MOST_STEPS):
        world.step(nearest.actions(driver.actions()))
        if not world.active.any():
            break
    return recorder.calls


class _Recorder:
    """Keeps what reward functions would be called with, by car, and pays nothing."""

    def __init__(self) -> None:
        self.calls: list[list[Call]] = []

    def for_car(self) -> CarReward:
        mine: list[Call] = []
        self.calls.append(mine)

        def keep(params: Params, now_s: float) -> float:
            mine.append(Call(params, now_s))
            return 0.0

        return keep


class _Nearest:
    """What a model with a list of actions would command. Without one, commands stay as they are."""

    def __init__(self, metadata: ModelMetadata | None) -> None:
        actions = metadata.discrete if metadata else None
        self._actions = [(action.steering_angle_deg, action.speed_mps) for action in actions or ()]

    def actions(self, wanted: Array) -> Array:
        for row in wanted if self._actions else ():
            row[:] = min(
                self._actions, key=lambda one: abs(one[0] - row[0]) / 30.0 + abs(one[1] - row[1]) / 4.0
            )
        return wanted


def _gap(params: Params) -> float:
    """Distance to the nearest object (m)."""
    return min(dist(place, (params["x"], params["y"])) for place in params["objects_location"])
