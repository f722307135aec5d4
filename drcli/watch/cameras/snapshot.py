"""What a step of a worker's world looks like, as a `LiveState`. Imported once somebody looks."""

from __future__ import annotations

import math
import time

import numpy as np

from drcli.contract.episode import Episode, Status
from drcli.contract.live_state import LiveCar, LiveState, Reading
from drcli.services.observers.observer import DrivenStep
from drcli.sim.world import World
from drcli.watch.world_places import boxes_around, place_of


def snapshot(step: DrivenStep, worker: int, car: int) -> LiveState:
    """The moment after a step as seen with `car`, which drove in it: an index of the step's world."""
    world, k = place_of(step.world, car)
    row = int(np.flatnonzero(step.cars == car)[0])
    ended = next((episode for episode in step.transition.episodes if episode.car == car), None)
    driving = np.flatnonzero(world.active).tolist()
    shown = driving if k in driving else [k, *driving]
    group = world.race.cars_per_race
    meets = [i for i, each in enumerate(shown) if group > 1 and each // group == k // group and each != k]
    records, counts = world.records.episodes[k], world.referee.counts
    return LiveState(
        worker=worker,
        world_name=world.track.name,
        phase="evaluation" if step.is_evaluation else "training",
        at=time.time(),
        car=shown.index(k),
        episode=(ended or records).number,
        step=int(counts.steps[k]),
        progress=float(world.telemetry.progress[k]) if ended is None else ended.progress,
        lap_s=_lap_s(records, float(counts.clock_s[k])) if ended is None else _lap_s(ended, ended.end_time_s),
        speed_mps=float(world.cars.speed_mps[k]),
        steering_deg=math.degrees(world.cars.steering_rad[k]),
        chosen=_chosen(step.decision.actions[row]),
        reward=float(step.transition.rewards[car]),
        total_reward=(ended or records).reward,
        status=(Status.IN_PROGRESS if ended is None else ended.status).value,
        cars=tuple(_car(world, each, each % group) for each in shown),
        boxes=boxes_around(world, k) if group == 1 else (),  # cars that meet are among the cars
        meets=tuple(meets),
        resets=int(counts.resets[k]),
        readings={
            name: Reading(values.dtype.name, values[row].shape, values[row].tobytes())
            for name, values in step.obs.items()
        },
    )


def _lap_s(episode: Episode, now_s: float) -> float:
    """Simulated time of the lap that is driven, or of the last one of an episode that has ended."""
    is_over = bool(episode.end_time_s and episode.laps and episode.laps[-1].end_time_s == now_s)
    before = episode.laps[:-1] if is_over else episode.laps
    return now_s - (before[-1].end_time_s if before else episode.start_time_s)


def _chosen(action: np.ndarray) -> int | tuple[float, ...]:
    return tuple(map(float, action)) if np.ndim(action) else int(action)


def _car(world: World, k: int, place: int) -> LiveCar:
    cars = world.cars
    x, y, heading, speed = (float(each[k]) for each in (cars.x_m, cars.y_m, cars.heading_rad, cars.speed_mps))
    return LiveCar(x, y, heading, speed, place)
