"""Our car alone on a road, for the optimiser: the simulator's own step on rows of states, and how much road is left.

A state is a row of `CarState`, without the length of a step, which is always 1/15 s.
An action is a row of steering (degrees, + left) and speed (m/s).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from drcli.sim.car_dynamics import CarState, drive
from drcli.sim.constants import MIN_SPEED_MPS, NOSE_M, STEP_S, WHEELS_M, CarParams
from drcli.sim.geometry import Road, on_road, road_of
from drcli.sim.track import Track, project

Array = npt.NDArray[np.float64]

CAR = CarParams()
SIZE = len(CarState._fields) - 1  # of a state
_WHEELS_M = np.array(WHEELS_M)


@dataclass(frozen=True, eq=False)
class Task:
    """A track, its finish line and what the driver may do."""

    track: Track
    max_speed_mps: float
    max_steering_deg: float = 30.0

    @cached_property
    def road(self) -> Road:
        return road_of(self.track)

    @cached_property
    def at_rest(self) -> Array:
        """`[SIZE]`: where an evaluation lap starts."""
        return np.array([*self.track.pose_at(0.0), *[0.0] * (SIZE - 3)])

    @cached_property
    def along(self) -> Array:
        """`[2]`: unit vector across the finish line."""
        heading = self.at_rest[2]
        return np.array([math.cos(heading), math.sin(heading)])

    @cached_property
    def lowest(self) -> Array:
        """`[2]`: least action."""
        return np.array([-self.max_steering_deg, MIN_SPEED_MPS])

    @cached_property
    def highest(self) -> Array:
        """`[2]`: greatest action."""
        return np.array([self.max_steering_deg, self.max_speed_mps])


def step(states: Array, actions: Array) -> Array:
    """`[K, SIZE]`: states of K cars 1/15 s later."""
    own = np.array(states.T, order="C")  # a copy: the car is moved in place
    cars = CarState(*own, np.full(len(states), STEP_S))
    drive(CAR, cars, np.ascontiguousarray(actions), np.ones(len(states), np.bool_))
    return np.array(cars[:SIZE]).T


def roll(start: Array, actions: Array) -> Array:
    """`[N + 1, SIZE]`: the states that `actions` `[N, 2]` lead to."""
    states = [start]
    for action in actions:
        states.append(step(states[-1][None], action[None])[0])
    return np.array(states)


def noses(states: Array) -> Array:
    """`[N, 2]`: where the noses are, which the rules look at (m)."""
    return states[:, :2] + NOSE_M * np.column_stack([np.cos(states[:, 2]), np.sin(states[:, 2])])


def crossings(task: Task, nose: Array) -> list[float]:
    """When a nose on its way `[N, 2]` crosses the finish line, in steps, interpolated between two of them."""
    start = task.at_rest[:2]
    beyond_m = (nose - start) @ task.along
    is_near = np.hypot(*(nose - start).T) < 1.5 * task.track.width_m
    ends = np.nonzero((beyond_m[:-1] < 0.0) & (beyond_m[1:] >= 0.0) & is_near[1:])[0]
    return [float(k + beyond_m[k] / (beyond_m[k] - beyond_m[k + 1])) for k in ends]


def room_m(task: Task, states: Array) -> tuple[Array, Array]:
    """How far the best placed wheel is from leaving the road, `[N]` (negative: off track), and its slope.

    The slope `[N, 3]` is by x, y (m per m) and heading (m per rad). A car is off track when no wheel is on the road.
    """
    cos, sin = np.cos(states[:, 2, None]), np.sin(states[:, 2, None])
    ahead, left = _WHEELS_M.T
    arms = np.stack([ahead * cos - left * sin, ahead * sin + left * cos], axis=-1)  # [N, 4, 2]
    wheels = (states[:, None, :2] + arms).reshape(-1, 2)
    feet, gap = _nearest_border(task.track, wheels)
    side = np.array([1.0 if on_road(task.road, x, y) else -1.0 for x, y in wheels])
    depth = (gap * side).reshape(-1, 4)
    slope = ((wheels - feet) * (side / np.maximum(gap, 1e-9))[:, None]).reshape(-1, 4, 2)
    rows, best = np.arange(len(states)), depth.argmax(axis=1)
    slope, arm = slope[rows, best], arms[rows, best]
    turn = slope[:, 1] * arm[:, 0] - slope[:, 0] * arm[:, 1]
    return depth[rows, best], np.column_stack([slope, turn])


def _nearest_border(track: Track, points: Array) -> tuple[Array, Array]:
    """Nearest point `[M, 2]` of both borders, and its distance `[M]` (m)."""
    found = [project(points, border) for border in (track.inner, track.outer)]
    feet, gaps = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    rows, nearest = np.arange(len(points)), gaps.argmin(axis=1)
    return feet[rows, nearest], gaps[rows, nearest]
