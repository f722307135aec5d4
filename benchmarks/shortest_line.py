"""A bound that no drive can beat: the shortest line that stays near the road, at top speed all the way.

It ignores that the car slows down for bends, so it is far below what is possible where bends are tight; but the
problem is convex, and the error of its numerical solution is bounded, too. Not covered: bends so tight that
neighbouring gates overlap.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize

from benchmarks.lap_car import CAR, SIZE, Array, Task, step
from drcli.sim.constants import NOSE_M, STEP_S, WHEELS_M
from drcli.sim.racing_line import stations


def shortest_m(task: Task, is_flying: bool) -> float:
    """A lower bound of how far the car's origin drives in a lap (m).

    With a wheel on the road at every decision, the origin is at most a wheel's distance beside the road then, and at
    most half a step further in between. So it crosses gates that are wider than the road by as much.
    """
    reach_m = math.hypot(*WHEELS_M[0]) + CAR.speed_gain * task.max_speed_mps * STEP_S / 2.0
    rows = stations(task.track)
    across = rows[:, 4:6] - rows[:, 2:4]
    more = across / np.hypot(*across.T)[:, None] * reach_m
    low, wide = rows[:, 2:4] - more, across + 2.0 * more
    low, wide = np.vstack([low, low[:1]]), np.vstack([wide, wide[:1]])
    if not is_flying:  # from the very spot where a lap starts
        low[0], wide[0] = task.at_rest[:2], 0.0

    def length(share: Array) -> tuple[float, Array]:
        legs = np.diff(low + share[:, None] * wide, axis=0)
        legs_m = np.maximum(np.hypot(*legs.T), 1e-9)
        pull = legs / legs_m[:, None]
        slope = np.vstack([-pull, [[0.0, 0.0]]]) + np.vstack([[[0.0, 0.0]], pull])
        return float(legs_m.sum()), (slope * wide).sum(axis=1)

    found = minimize(length, np.full(len(low), 0.5), jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(low),
                     options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-12})  # fmt: skip
    best_m, slope = length(found.x)
    doubt_m = float(
        np.maximum(slope * found.x, slope * (found.x - 1.0)).sum()
    )  # how much a convex sum can still fall
    return best_m - doubt_m - NOSE_M * (2.0 if is_flying else 1.0)


def bound_s(task: Task, is_flying: bool) -> float:
    """No lap can take less (s): line to line if flying, else by the clock of an evaluation."""
    length_m = shortest_m(task, is_flying)
    if is_flying:
        return length_m / (CAR.speed_gain * task.max_speed_mps)
    state, straight, steps = np.zeros((1, SIZE)), np.array([[0.0, task.max_speed_mps]]), 0
    while state[0, 0] < length_m:
        state, steps = step(state, straight), steps + 1
    return clock_s(steps)


def clock_s(steps: int) -> float:
    """An evaluation's time of a lap: the prepare step and the one in which the finish is seen count, too."""
    return (steps + 2) * STEP_S
