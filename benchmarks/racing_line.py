"""A first lap for the optimiser: a smooth line on the road, driven by pure pursuit at a speed that suits its bends.

Far from optimal, but valid: it never leaves the road.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import lsq_linear

from benchmarks.lap_car import CAR, Array, Task, crossings, noses, room_m, step
from drcli.sim.track import Track

_STATION_M = 0.12
_POINT_M = 0.02
_BRAKE_MPS2 = 6.0
_LOOK_BACK, _LOOK_ON = 5, 40  # points around the last one among which the nearest is looked for

SHORTNESS = (0.02, 0.1, 0.3)  # weight of a short line against a smooth one
LATERAL_MPS2 = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
LOOKAHEAD = ((0.25, 0.1), (0.25, 0.2), (0.35, 0.25))  # m, and s of driving


def stations(track: Track) -> Array:
    """`[S, 6]`: centre, inner and outer points at equal steps along the centre line; the last is not the first."""
    at = track.waypoint_distances_m
    kept = np.concatenate([[True], np.diff(at) > 0.0])
    wanted = np.linspace(0.0, track.length_m, round(track.length_m / _STATION_M), endpoint=False)
    return np.column_stack([np.interp(wanted, at[kept], column) for column in track.rows[kept].T])


def smooth_line(track: Track, shortness: float, margin_m: float = 0.12) -> Array:
    """`[M, 2]`: a closed line that bends little, every 2 cm: bounded least squares over its place on each station."""
    rows = stations(track)
    inner, across = rows[:, 2:4], rows[:, 4:6] - rows[:, 2:4]
    here = np.eye(len(rows))
    before, after = np.roll(here, 1, axis=0), np.roll(here, -1, axis=0)
    cost = np.vstack([after - 2.0 * here + before, shortness * (after - here)])
    wanted = -np.concatenate([cost @ inner[:, 0], cost @ inner[:, 1]])
    margin = margin_m / track.width_m
    share = lsq_linear(
        np.vstack([cost * across[:, 0], cost * across[:, 1]]), wanted, (margin, 1.0 - margin)
    ).x
    return every_point(inner + share[:, None] * across)


def every_point(corners: Array) -> Array:
    """`[M, 2]`: the closed line through `corners`, every 2 cm."""
    closed = np.vstack([corners, corners[:1]])
    at = np.concatenate([[0.0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    wanted = np.linspace(0.0, at[-1], int(at[-1] / _POINT_M), endpoint=False)
    return np.column_stack([np.interp(wanted, at, column) for column in closed.T])


def speeds_on(line: Array, max_speed_mps: float, lateral_mps2: float) -> Array:
    """`[M]` m/s: what bends allow, and braking for them."""
    reach = 12
    before, after = line - np.roll(line, reach, axis=0), np.roll(line, -reach, axis=0) - line
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1))
    curvature = np.maximum(np.abs(turn) / (reach * _POINT_M), 1e-6)
    speeds = np.minimum(np.sqrt(lateral_mps2 / curvature), max_speed_mps)
    for k in [*range(len(speeds) - 1, -1, -1)] * 2:
        after_mps = speeds[(k + 1) % len(speeds)]
        speeds[k] = min(speeds[k], math.sqrt(after_mps**2 + 2.0 * _BRAKE_MPS2 * _POINT_M))
    return speeds


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
        goal = line[(here + int(ahead_m / _POINT_M)) % count] - state[:2]
        turn = math.remainder(math.atan2(goal[1], goal[0]) - state[2], math.tau)
        if abs(turn) > 2.0 or len(actions) > 100.0 * task.track.length_m:
            return None
        steering = math.degrees(math.atan(2.0 * CAR.wheelbase_m * math.sin(turn) / np.hypot(*goal)))
        speed = speeds[(here + int(0.12 * state[3] / _POINT_M)) % count]
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
