"""What the reward function was told in a recorded step: params, measured again from the pose in the trace."""

from __future__ import annotations

import math

import numpy as np

from drcli.contract.episode import Status
from drcli.sim.car_arrays import new_arrays
from drcli.sim.car_dynamics import new_cars, put
from drcli.sim.constants import NOSE_M, STEP_S
from drcli.sim.geometry import road_of
from drcli.sim.reward_params import Params, facts_of, reward_params
from drcli.sim.step import Step
from drcli.sim.telemetry import CarHistory, Telemetry
from drcli.sim.telemetry_kernel import measure
from drcli.sim.track import Pose, Track
from drcli.watch.recordings.recorded_episode import RecordedEpisode

_LATER = 20  # steps in which a car shows in which direction it drives


def nose_at(episode: RecordedEpisode, step: int) -> Pose:
    """The pose of the car's nose: x, y (m), heading (rad). step: from 0."""
    row = episode.rows[step]
    return float(row["X"]), float(row["Y"]), math.radians(float(row["yaw"]))


def params_at(track: Track, episode: RecordedEpisode, step: int) -> Params:
    """The params of a step, from 0. Objects are not recorded: keys about them are those of a race without any."""
    row = episode.rows[step]
    cars, history, at = new_cars(1), new_arrays(CarHistory, 1), new_arrays(Telemetry, 1)
    is_reversed = _is_against(track, episode)
    history.is_reversed[0] = is_reversed
    x_m, y_m, heading = nose_at(episode, step)
    put(cars, 0, x_m - NOSE_M * math.cos(heading), y_m - NOSE_M * math.sin(heading), heading)
    measure(road_of(track), cars, history.block, step + 1, np.ones(1, np.bool_), False, at.block)
    time_s = float(row["tstamp"]) - episode.began_s
    times_s = np.array([[time_s - STEP_S], [time_s]])
    commands = np.array([[row["steer"], row["throttle"]]], np.float64)
    driven = Step([0], at, commands, None, np.array([int(row["steps"])]), times_s[1], times_s[0])
    params = reward_params(driven, 0, facts_of(track, is_reversed))
    return params | {
        "progress": float(row["progress"]),
        "is_crashed": bool(row["episode_status"] == Status.CRASHED),
    }


def _is_against(track: Track, episode: RecordedEpisode) -> bool:
    """Whether it runs against the order of the track's points: progress grows while they count down."""
    points, rows = track.center, episode.driven
    if not len(rows):
        return False
    first, later = rows[0], rows[min(len(rows) - 1, _LATER)]
    here, there = (int(np.hypot(*(points - (row["X"], row["Y"])).T).argmin()) for row in (first, later))
    moved = (there - here + len(points) // 2) % len(points) - len(points) // 2
    return bool(moved < 0 < later["progress"] - first["progress"])
