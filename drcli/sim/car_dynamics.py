"""The car: a bicycle that slips, behind its commands by first-order lags. Knows nothing of the road.

State and commands are arrays `[K]`; `World` owns them, the kernel advances them by one step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from drcli.sim.car_arrays import Array, Bools
from drcli.sim.constants import (
    MAX_SPEED_MPS,
    MAX_STEERING_DEG,
    MIN_SPEED_MPS,
    STEP_S,
    TICKS_PER_STEP,
    CarParams,
)
from drcli.sim.kernel import kernel


class CarState(NamedTuple):
    """Pose of the car's origin, its wheels, the commands of the previous step, the length of this one: arrays `[K]`."""

    x_m: Array
    y_m: Array
    heading_rad: Array  # counterclockwise from x, not wrapped
    speed_mps: Array
    steering_rad: Array  # + is left
    turning_rad: Array  # the steering that the car's turning has followed so far
    speed_command_mps: Array
    steering_command_rad: Array
    step_s: Array  # how long the present step lasts: 1/15 s, unless steps jitter


def new_cars(count: int) -> CarState:
    """`count` cars at rest at the origin."""
    cars = CarState(*np.zeros((len(CarState._fields), count)))
    cars.step_s[:] = STEP_S
    return cars


def put(cars: CarState, k: int, x_m: float, y_m: float, heading_rad: float) -> None:
    """Place car `k` at rest, with straight wheels."""
    for field, value in zip(cars, (x_m, y_m, heading_rad, 0.0, 0.0, 0.0, 0.0, 0.0, STEP_S), strict=True):
        field[k] = value


@kernel
def drive(params: CarParams, cars: CarState, actions: Array, moving: Bools) -> None:
    """Move the cars with `moving` set by one step.

    `actions` `[K, 2]` are steering (degrees, + left) and speed (m/s), clipped here to the car's limits.
    """
    for k in range(moving.shape[0]):
        if moving[k]:
            steering = math.radians(min(max(actions[k, 0], -MAX_STEERING_DEG), MAX_STEERING_DEG))
            speed = min(max(actions[k, 1], MIN_SPEED_MPS), MAX_SPEED_MPS)
            for tick in range(TICKS_PER_STEP):
                if tick == params.latency_ticks:
                    cars.speed_command_mps[k], cars.steering_command_rad[k] = speed, steering
                _tick(params, cars, k)
            cars.speed_command_mps[k], cars.steering_command_rad[k] = speed, steering


@kernel
def _tick(params: CarParams, cars: CarState, k: int) -> None:
    """A quarter of a step: exact lags, then an arc with the mean speed and curvature (exact on straights and circles).

    Curvature is tan(steering) / (wheelbase + understeer · speed²): the steady state of a car whose tyres slip
    (Milliken, Race Car Vehicle Dynamics, chapter 5), within what grip allows. The origin swings around the rear axle.
    """
    tick_s = cars.step_s[k] / TICKS_PER_STEP
    target = params.speed_gain * cars.speed_command_mps[k]
    lag_s = params.accelerate_s if target > cars.speed_mps[k] else params.brake_s
    distance_m, cars.speed_mps[k] = _lag(cars.speed_mps[k], target, lag_s, tick_s)
    wheels, cars.steering_rad[k] = _lag(
        cars.steering_rad[k], cars.steering_command_rad[k], params.steer_s, tick_s
    )
    turn, cars.turning_rad[k] = _lag(cars.turning_rad[k], wheels / tick_s, params.yaw_s, tick_s)

    square = distance_m * distance_m / (tick_s * tick_s)
    curvature = math.tan(turn / tick_s) / (params.wheelbase_m + params.understeer_s2pm * square)
    limit = params.grip_mps2 / max(square, 1e-12)
    angle = distance_m * min(max(curvature, -limit), limit)
    chord_m = distance_m * (1.0 - angle * angle / 24.0)
    swing_m = 2.0 * (params.pivot_m - params.drift_s2pm * square) * math.sin(angle / 2.0)
    middle = cars.heading_rad[k] + angle / 2.0
    cars.x_m[k] += chord_m * math.cos(middle) - swing_m * math.sin(middle)
    cars.y_m[k] += chord_m * math.sin(middle) + swing_m * math.cos(middle)
    cars.heading_rad[k] += angle


@kernel
def _lag(value: float, target: float, lag_s: float, time_s: float) -> tuple[float, float]:
    """Integral of a first-order lag over a time, and its value at the end."""
    rest = (value - target) * math.exp(-time_s / lag_s)
    return target * time_s + (value - target - rest) * lag_s, target + rest
