"""A first lap for the optimiser: a smooth line on the road, driven by pure pursuit at a speed that suits its bends.

Far from optimal, but valid: it never leaves the road.
"""

from __future__ import annotations

import math

import numpy as np

from benchmarks.lap_car import CAR, Array, Task, crossings, noses, room_m, step
from drcli.sim.racing_line import POINT_M, smooth_line, speeds_on

_LOOK_BACK, _LOOK_ON = 5, 40  # points around the last one among which the nearest is looked for

SHORTNESS = (0.02, 0.1, 0.3)  # weight of a short line against a smooth one
LATERAL_MPS2 = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
LOOKAHEAD = ((0.25, 0.1), (0.25, 0.2), (0.35, 0.25))  # m, and s of driving


def pursue(
    task: Task, line: Array, speeds: Array, lookahead: tuple[float, float], laps: int = 1
) -> Array | None:
    """`[N, 2]`: actions of pure pursuit from standstill over some laps; None if it leaves the road or gets lost."""
    state, count = task.at_rest, len(line)
    here = int(((line - state[:2]) ** 2).sum(axis=1).argmin())
    states, actions = [state], []
    while len(crossings(task, noses(np.array(states[-2:])))) == 0 or (laps := laps - 1) > 0:
        near = (here + np.arange(-_LOOK_BACK, _LOOK_ON)) % count
        here = int(near[((line[near] - state[:2]) ** 2).sum(axis=1).argmin()])
        ahead_m = lookahead[0] + lookahead[1] * state[3]
        goal = line[(here + int(ahead_m / POINT_M)) % count] - state[:2]
        turn = math.remainder(math.atan2(goal[1], goal[0]) - state[2], math.tau)
        if abs(turn) > 2.0 or len(actions) > 100.0 * task.track.length_m:
            return None
        steering = math.degrees(math.atan(2.0 * CAR.wheelbase_m * math.sin(turn) / np.hypot(*goal)))
        speed = speeds[(here + int(0.12 * state[3] / POINT_M)) % count]
        action = np.clip([steering, speed], task.lowest, task.highest)
        state = step(state[None], action[None])[0]
        actions.append(action)
        states.append(state)
    return np.array(actions) if room_m(task, np.array(states))[0].min() > 0.0 else None


def first_drive(task: Task, laps: int = 1) -> Array:
    """Actions `[N, 2]` of the fastest valid drive over `laps` laps from standstill, of all lines and speeds here.

    Raises:
        ValueError: there is none.
    """
    found = []
    for shortness in SHORTNESS:
        line = smooth_line(task.track, shortness)
        for lateral_mps2 in LATERAL_MPS2:
            speeds = speeds_on(line, task.max_speed_mps, lateral_mps2)
            drives = [pursue(task, line, speeds, lookahead, laps) for lookahead in LOOKAHEAD]
            found += [actions for actions in drives if actions is not None]
    if not found:
        raise ValueError(f"{task.track.name}: pursuit leaves the road on every line")
    return min(found, key=len)
