"""Makes a valid drive faster, step by step, until it is a (local) optimum: sequential linear programming.

Each round linearises the simulator's own step along the drive, asks a linear program for the change of all actions
that gains most time within a trust region without leaving the road, and drives that change in the simulator, guided by
a linear-quadratic regulator. Only what the drive itself proves to be faster and valid is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.lap_car import SIZE, Array, Task, crossings, noses, roll, room_m, step
from drcli.sim.constants import NOSE_M, STEP_S

_SPARE_M = 0.002  # of road, kept in reserve: a drive with none is still valid
_FINE = 100.0  # steps, for each metre of missing spare
_NUDGES = np.array([1e-4, 1e-4, 1e-4, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3])  # of a state
_ACTION_NUDGES = np.array([2.0, 0.1])  # wide enough to see beyond the kink where the car begins to slide
_TRUST_LEFT, _TRUST_TURN, _TRUST_AHEAD = 1.0, 2.0, 4.0  # m, rad, m per metre of trust
_TRUST_ACTION = np.array([150.0, 5.0])  # degrees, m/s per metre of trust
_FIRST_TRUST_M, _MAX_TRUST_M, _LAST_TRUST_M = 0.05, 0.2, 6e-4
_ACTION_UNIT = np.array([10.0, 0.5])  # scales the linear program
_STATE_WEIGHT = np.diag([2500.0, 2500.0, 400.0, 25.0, *[0.0] * (SIZE - 4)])  # 2 cm, 0.05 rad, 0.2 m/s
_ACTION_WEIGHT = np.diag([0.03, 11.0])  # 6 degrees, 0.3 m/s
_MAX_EXTRA_STEPS = 12
_WIDTHS = 1.0, 4.0, 0.3  # of the differences of actions
_LEAST_GAIN = 0.03  # steps


@dataclass(frozen=True, eq=False)
class Drive:
    """Actions `[N, 2]` from a state, what they lead to, and the time that counts: that of the last lap."""

    actions: Array
    states: Array  # [N + 1, SIZE]
    is_flying: bool  # the lap begins when the line is crossed, not at the start
    steps: float  # of the lap, to the fraction of a step
    lack_m: float  # sum of missing spare road over the drive
    room_m: float  # least room; negative: off track
    before: Array | None = None  # actions from standstill to where it begins; None: it begins there

    @property
    def cost(self) -> float:
        """Steps, and the fine."""
        return self.steps + _FINE * self.lack_m


def driven(task: Task, start: Array, actions: Array, is_flying: bool) -> Drive | None:
    """The drive cut where it crosses the line, or prolonged by a few steps until it does; None if it never does."""
    actions = np.vstack([actions, np.repeat(actions[-1:], _MAX_EXTRA_STEPS, axis=0)])
    states = roll(start, actions)
    at = crossings(task, noses(states))
    if len(at) <= is_flying:
        return None
    steps = at[1] - at[0] if is_flying else at[0]
    count = math.floor(at[is_flying]) + 1
    states, actions = states[: count + 1], actions[:count]
    room, _ = room_m(task, states[1:])
    lack = float(np.maximum(_SPARE_M - room, 0.0).sum())
    return Drive(actions, states, is_flying, steps, lack, float(room.min()))


def optimise(task: Task, drive: Drive, rounds: int, cycles: int = 3) -> Drive:
    """A valid drive after local optimisation of one; it may have used up a little of the spare road.

    A descent gets stuck at kinks, such as where the car begins to slide. With slopes taken over wider or narrower
    differences the next one usually gets on.
    """
    valid = drive
    for _ in range(cycles):
        before = drive.cost
        for width in _WIDTHS:
            drive = _descend(task, drive, rounds, width)
            if drive.room_m > 0.0 and drive.steps < valid.steps:
                valid = drive
        if before - drive.cost < _LEAST_GAIN:
            break
    return valid


def _descend(task: Task, best: Drive, rounds: int, width: float) -> Drive:
    trust_m = _FIRST_TRUST_M
    for _ in range(rounds):
        if trust_m < _LAST_TRUST_M:
            break
        found, promised = _improved(task, best, trust_m, width)
        gained = best.cost - found.cost if found else -math.inf
        if found is None or gained <= 1e-7:
            trust_m *= 0.4
            continue
        best = found
        if gained > 0.5 * promised:
            trust_m = min(1.5 * trust_m, _MAX_TRUST_M)
        elif gained < 0.2 * promised:
            trust_m *= 0.6
    return best


def _improved(task: Task, drive: Drive, trust_m: float, width: float) -> tuple[Drive | None, float]:
    """The drive that the linear program plans, as the simulator drives it, and the promised gain (steps)."""
    by_state, by_action = _slopes(task, drive, width)
    effects = _effects(by_state, by_action)
    change, promised = _plan(task, drive, effects, trust_m)
    if change is None:
        return None, 0.0
    wanted = np.clip(drive.actions + change.reshape(-1, 2), task.lowest, task.highest)
    goal = drive.states + effects @ change
    state, actions = drive.states[0], []
    for action, gain, planned in zip(wanted, _regulator(by_state, by_action), goal, strict=False):
        actions.append(np.clip(action - gain @ (state - planned), task.lowest, task.highest))
        state = step(state[None], actions[-1][None])[0]
    return driven(task, drive.states[0], np.array(actions), drive.is_flying), promised


def _slopes(task: Task, drive: Drive, width: float) -> tuple[Array, Array]:
    """Slopes of every step, `[N, SIZE, SIZE]` by the state before it, `[N, SIZE, 2]` by its action."""
    states, actions = drive.states[:-1], drive.actions
    by_state, by_action = np.empty((len(states), SIZE, SIZE)), np.empty((len(states), SIZE, 2))
    for i, nudge in enumerate(_NUDGES):
        moved = nudge * np.eye(SIZE)[i]
        by_state[:, :, i] = (step(states + moved, actions) - step(states - moved, actions)) / (2.0 * nudge)
    for i, nudge in enumerate(width * _ACTION_NUDGES):
        moved = nudge * np.eye(2)[i]
        more, less = np.minimum(actions + moved, task.highest), np.maximum(actions - moved, task.lowest)
        by_action[:, :, i] = (step(states, more) - step(states, less)) / (more - less)[:, i : i + 1]
    return by_state, by_action


def _effects(by_state: Array, by_action: Array) -> Array:
    """`[N + 1, SIZE, 2 N]`: the slope of every state by every action."""
    count = len(by_state)
    effects = np.zeros((count + 1, SIZE, 2 * count))
    for k in range(count):
        effects[k + 1] = by_state[k] @ effects[k]
        effects[k + 1, :, 2 * k : 2 * k + 2] += by_action[k]
    return effects


def _regulator(by_state: Array, by_action: Array) -> list[Array]:
    """Gains `[2, SIZE]` of every step that lead a car back to the plan."""
    value, gains = _STATE_WEIGHT, []
    for a, b in zip(by_state[::-1], by_action[::-1], strict=True):
        gains.append(np.linalg.solve(_ACTION_WEIGHT + b.T @ value @ b, b.T @ value @ a))
        value = _STATE_WEIGHT + a.T @ value @ (a - b @ gains[-1])
    return gains[::-1]


def _plan(task: Task, drive: Drive, effects: Array, trust_m: float) -> tuple[Array | None, float]:
    """The best change of all actions `[2 N]` by the linear model, and what it gains (steps)."""
    count = len(drive.actions)
    gain = _gain(task, drive, effects)
    room, slope = room_m(task, drive.states[1:])
    near = np.nonzero(room < 0.1 + 2.0 * trust_m)[0]
    pose = effects[1:, :3]
    borders = np.einsum("ki,kin->kn", slope[near], pose[near])
    cos, sin = np.cos(drive.states[1:, 2, None]), np.sin(drive.states[1:, 2, None])
    ahead, left = cos * pose[:, 0] + sin * pose[:, 1], cos * pose[:, 1] - sin * pose[:, 0]
    unit = np.concatenate([np.tile(_ACTION_UNIT, count), np.ones(len(near))])
    free = np.vstack([left, pose[:, 2], ahead])
    rows = np.block([[borders, np.eye(len(near))], [free, np.zeros((3 * count, len(near)))]]) * unit
    rows[np.abs(rows) < 1e-6] = 0.0  # they only confuse the simplex method
    reach = np.repeat([_TRUST_LEFT, _TRUST_TURN, _TRUST_AHEAD], count) * trust_m
    low = np.concatenate([_SPARE_M - room[near], -reach])
    high = np.concatenate([np.full(len(near), np.inf), reach])
    least = np.maximum(task.lowest - drive.actions, -_TRUST_ACTION * trust_m).ravel()
    most = np.minimum(task.highest - drive.actions, _TRUST_ACTION * trust_m).ravel()
    found = milp(
        np.concatenate([-gain, np.full(len(near), _FINE)]) * unit,
        constraints=LinearConstraint(rows, low, high),
        bounds=Bounds(
            np.concatenate([least, np.zeros(len(near))]) / unit,
            np.concatenate([most, np.full(len(near), np.inf)]) / unit,
        ),
        options={"time_limit": 5.0},
    )
    if found.x is None:
        return None, 0.0
    return (found.x * unit)[: 2 * count], _FINE * drive.lack_m - float(found.fun)


def _gain(task: Task, drive: Drive, effects: Array) -> Array:
    """`[2 N]`: steps that the lap gains by each action."""
    gain = _line_slope(task, drive, effects, -1)
    if not drive.is_flying:
        return gain
    first = math.floor(crossings(task, noses(drive.states))[0]) + 1
    return gain - _line_slope(task, drive, effects, first)


def _line_slope(task: Task, drive: Drive, effects: Array, k: int) -> Array:
    """`[2 N]`: how many steps earlier each action brings the car to the line it crosses just before state `k`."""
    cos, sin = math.cos(drive.states[k, 2]), math.sin(drive.states[k, 2])
    along, step_m = task.along, STEP_S * max(drive.states[k, 3], 0.5)
    return np.array([*along, NOSE_M * (cos * along[1] - sin * along[0])]) @ effects[k, :3] / step_m
