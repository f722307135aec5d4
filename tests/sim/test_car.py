"""The car against closed forms: straights, circles, lags, clipping."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drcli.sim.car_dynamics import CarState, drive, new_cars, put
from drcli.sim.constants import STEP_S, CarParams

CAR = CarParams()


def driven(
    steering_deg: float, speed_mps: float, steps: int, params: CarParams = CAR, heading: float = 0.0
) -> CarState:
    cars = new_cars(1)
    put(cars, 0, 0.0, 0.0, heading)
    for _ in range(steps):
        drive(params, cars, np.array([[steering_deg, speed_mps]]), np.array([True]))
    return cars


def test_a_straight_ends_where_lag_and_latency_let_it() -> None:
    speed, time_s = 2.0, 30 * STEP_S
    cars = driven(0.0, speed, 30, heading=math.pi / 3)
    moving_s = time_s - CAR.latency_ticks / 60
    lag = CAR.accelerate_s
    distance = CAR.speed_gain * speed * (moving_s - lag * (1.0 - math.exp(-moving_s / lag)))
    assert (cars.x_m[0], cars.y_m[0]) == pytest.approx((distance / 2, distance * math.sqrt(3) / 2), abs=1e-9)
    assert cars.speed_mps[0] == pytest.approx(CAR.speed_gain * speed * (1 - math.exp(-moving_s / lag)))
    assert cars.heading_rad[0] == math.pi / 3


def test_constant_steering_drives_a_circle() -> None:
    cars = driven(20.0, 1.0, 100)
    square = CAR.speed_gain**2
    about_pivot_m = (CAR.wheelbase_m + CAR.understeer_s2pm * square) / math.tan(math.radians(20.0))
    radius = math.hypot(about_pivot_m, CAR.pivot_m - CAR.drift_s2pm * square)
    path = []
    for _ in range(40):
        path.append((cars.x_m[0], cars.y_m[0]))
        drive(CAR, cars, np.array([[20.0, 1.0]]), np.array([True]))
    x, y = np.array(path).T
    fit = np.linalg.lstsq(np.column_stack([x, y, np.ones(len(x))]), x**2 + y**2, rcond=None)[0]
    found = math.sqrt(fit[2] + (fit[0] / 2) ** 2 + (fit[1] / 2) ** 2)
    assert found == pytest.approx(radius, rel=1e-3)
    turned = np.degrees(cars.heading_rad[0])
    assert turned > 360.0, "left is counterclockwise"


def test_grip_limits_how_fast_the_car_turns() -> None:
    car = CAR._replace(grip_mps2=5.0)
    cars = driven(30.0, 4.0, 100, car)
    before = cars.heading_rad[0]
    drive(car, cars, np.array([[30.0, 4.0]]), np.array([True]))
    yaw_rate = (cars.heading_rad[0] - before) / STEP_S
    assert yaw_rate * cars.speed_mps[0] == pytest.approx(5.0)


def test_the_faster_the_wider() -> None:
    """Radius about the pivot: (wheelbase + understeer · speed²) / tan(steering)."""
    car = CAR._replace(understeer_s2pm=0.04, grip_mps2=100.0, speed_gain=1.0)
    for speed in (1.0, 3.0):
        cars = driven(10.0, speed, 100, car)
        before = cars.heading_rad[0]
        drive(car, cars, np.array([[10.0, speed]]), np.array([True]))
        radius = speed * STEP_S / (cars.heading_rad[0] - before)
        assert radius == pytest.approx((car.wheelbase_m + 0.04 * speed**2) / math.tan(math.radians(10.0)))


def test_the_rear_axle_moves_straight_ahead_and_the_origin_swings_around_it() -> None:
    car = CAR._replace(drift_s2pm=0.0)
    cars = driven(30.0, 1.0, 100, car)
    before = cars.x_m[0], cars.y_m[0], cars.heading_rad[0]
    cars.step_s[:] = 1e-4
    drive(car, cars, np.array([[30.0, 1.0]]), np.array([True]))
    way = math.atan2(cars.y_m[0] - before[1], cars.x_m[0] - before[0]) - cars.heading_rad[0]
    curvature = (cars.heading_rad[0] - before[2]) / (cars.speed_mps[0] * 1e-4)
    assert math.remainder(way, math.tau) == pytest.approx(math.atan(car.pivot_m * curvature), abs=1e-3)


def test_a_longer_step_takes_the_car_further() -> None:
    cars = new_cars(2)
    cars.speed_mps[:], cars.speed_command_mps[:] = 2.0 * CAR.speed_gain, 2.0
    cars.step_s[:] = 0.05, 0.1
    drive(CAR, cars, np.array([[0.0, 2.0]] * 2), np.ones(2, np.bool_))
    assert cars.x_m.tolist() == pytest.approx([0.1 * CAR.speed_gain, 0.2 * CAR.speed_gain])


def test_commands_are_clipped_to_what_the_car_can_do() -> None:
    for asked, possible in (((-50.0, 9.0), (-30.0, 4.0)), ((45.0, -1.0), (30.0, 0.1))):
        assert driven(*asked, 5) == driven(*possible, 5)


def test_braking_is_quicker_than_accelerating() -> None:
    slow = driven(0.0, 1.0, 60)
    fast = driven(0.0, 3.0, 60)
    for cars, speed in ((slow, 3.0), (fast, 1.0)):
        for _ in range(2):
            drive(CAR, cars, np.array([[0.0, speed]]), np.array([True]))
    gained, lost = slow.speed_mps[0] - CAR.speed_gain, 3.0 * CAR.speed_gain - fast.speed_mps[0]
    assert lost > gained > 0.0


def test_latency_of_a_whole_step_shows_the_command_one_step_later() -> None:
    late = CAR._replace(latency_ticks=4)
    assert driven(10.0, 1.0, 1, late).speed_mps[0] == 0.0
    assert driven(10.0, 1.0, 2, late).speed_mps == pytest.approx(
        driven(10.0, 1.0, 1, CAR._replace(latency_ticks=0)).speed_mps
    )


def test_cars_do_not_see_each_other_and_parked_cars_stand() -> None:
    cars = new_cars(3)
    actions = np.array([(10.0, 1.0), (-5.0, 2.0), (0.0, 3.0)])
    for _ in range(20):
        drive(CAR, cars, actions, np.array([True, True, False]))
    for k in range(2):
        alone = driven(*actions[k], 20)
        assert [field[k] for field in cars] == [field[0] for field in alone]
    assert not any(field[2] for field in cars[:-1])


def test_kernel_equals_python() -> None:
    cars, same = new_cars(1), new_cars(1)
    arguments = np.array([[17.0, 1.7]]), np.array([True])
    for _ in range(10):
        drive(CAR, cars, *arguments)
        drive.py_func(CAR, same, *arguments)
    np.testing.assert_allclose(np.array(cars), np.array(same), rtol=1e-12)
