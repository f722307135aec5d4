"""Rollouts: what is written in place is what came in, over doublings, parked cars and the wire's names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drcli.sim.sensors.sensor import SensorSpec
from drcli.train.rollout import Decision, Rollout, RolloutBuffer, RolloutSpec, flat_index

CARS = 3
SPEC = RolloutSpec(
    (SensorSpec("eye", (4, 5), np.dtype(np.uint8)), SensorSpec("nose", (2,), np.dtype(np.float32))),
    action_shape=(2,),
    action_dtype=np.dtype(np.float32),
    extras=("values",),
)


def driven(rng: np.random.Generator, cars: np.ndarray) -> tuple[dict[str, np.ndarray], Decision]:
    number = len(cars)
    obs = {
        "eye": rng.integers(0, 255, (number, 4, 5)).astype(np.uint8),
        "nose": rng.standard_normal((number, 2)).astype(np.float32),
    }
    values = rng.standard_normal(number).astype(np.float32)
    return obs, Decision(rng.standard_normal((number, 2)).astype(np.float32), {"values": values})


def fill(buffer: RolloutBuffer, steps: int) -> list[list[tuple]]:
    """Steps of which car 1 drives the first half only; what each car had."""
    rng = np.random.default_rng(0)
    had: list[list[tuple]] = [[] for _ in range(CARS)]
    for step in range(steps):
        cars = np.array([0, 1, 2] if step < steps // 2 else [0, 2])
        obs, decision = driven(rng, cars)
        rewards, dones = rng.standard_normal(CARS).astype(np.float32), rng.random(CARS) < 0.3
        buffer.add(cars, obs, decision, rewards, dones)
        for row, car in enumerate(cars):
            had[car].append(
                (
                    obs["eye"][row],
                    obs["nose"][row],
                    decision.actions[row],
                    decision.extras["values"][row],
                    rewards[car],
                    dones[car],
                )
            )
    return had


LAST_OBS = {"eye": np.ones((CARS, 4, 5), np.uint8), "nose": np.ones((CARS, 2), np.float32)}
LAST_EXTRAS = {"values": np.arange(CARS, dtype=np.float32)}


@pytest.mark.parametrize("capacity", [1, 4, 10, 64])
def test_steps_of_a_car_are_in_their_order_and_cars_follow_each_other(capacity: int) -> None:
    buffer = RolloutBuffer(SPEC, CARS, capacity)
    had = fill(buffer, 10)
    rollout = buffer.rollout(LAST_OBS, LAST_EXTRAS)
    assert buffer.num_steps == rollout.num_steps == 25
    assert rollout.valid.sum(axis=0).tolist() == [10, 5, 10]
    index = flat_index(rollout)
    parts = (rollout.obs["eye"], rollout.obs["nose"], rollout.actions, rollout.extras["values"])
    flat = [step for steps in had for step in steps]
    for part, expected in zip((*parts, rollout.rewards, rollout.dones), zip(*flat, strict=True), strict=True):
        np.testing.assert_array_equal(part[index], np.stack(expected))


def test_arrays_are_slices_of_the_buffer_that_can_be_sent_as_they_are() -> None:
    buffer = RolloutBuffer(SPEC, CARS, capacity=16)
    fill(buffer, 10)
    first, again = (buffer.rollout(LAST_OBS, LAST_EXTRAS) for _ in range(2))
    for name, array in first.arrays().items():
        assert array.flags.c_contiguous, name
        assert np.shares_memory(array, again.arrays()[name]), name


def test_every_array_has_a_name_on_the_wire() -> None:
    buffer = RolloutBuffer(SPEC, CARS)
    fill(buffer, 10)
    rollout = buffer.rollout(LAST_OBS, LAST_EXTRAS)
    arrays = rollout.arrays()
    assert sorted(arrays) == [
        "actions", "dones", "extras/values", "last_extras/values", "last_obs/eye", "last_obs/nose",
        "obs/eye", "obs/nose", "rewards", "valid",
    ]  # fmt: skip
    again = Rollout.from_arrays(arrays).arrays()
    assert all(again[name] is array for name, array in arrays.items())
    SPEC.check(rollout)


@pytest.mark.parametrize("change", [{"rewards": None}, {"colour": np.zeros(3)}, {"smell/eye": np.zeros(3)}])
def test_arrays_of_another_kind_are_no_rollout(change: dict[str, np.ndarray | None]) -> None:
    arrays = {**SPEC.zeros(2, CARS).arrays(), **change}
    with pytest.raises(ValueError, match="a rollout has"):
        Rollout.from_arrays({name: array for name, array in arrays.items() if array is not None})


def test_rollouts_of_another_model_are_named() -> None:
    buffer = RolloutBuffer(SPEC, CARS)
    fill(buffer, 10)
    rollout = buffer.rollout(LAST_OBS, LAST_EXTRAS)
    for other, message in (
        (replace(rollout, rewards=rollout.rewards.astype(np.float64)), "rewards is float64"),
        (replace(rollout, valid=rollout.valid[:-1]), "valid is bool"),
        (replace(rollout, obs={**rollout.obs, "eye": rollout.obs["eye"][..., 1:]}), "obs/eye is uint8"),
        (replace(rollout, last_obs={**LAST_OBS, "eye": LAST_OBS["eye"][1:]}), "last_obs/eye is uint8"),
        (replace(rollout, extras={}), "a rollout of"),
        (replace(rollout, valid=np.zeros_like(rollout.valid)), "without a step"),
    ):
        with pytest.raises(ValueError, match=message):
            SPEC.check(other)
